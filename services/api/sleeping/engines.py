"""Asks every replica of the engine whether it sleeps, and puts all to sleep or wakes all. Knows no jobs.

The paths are vLLM's: GET /is_sleeping, POST /sleep, POST /wake_up. An engine of ours that cannot sleep answers 501 with
the reason; one that was not started to sleep has no such paths.
"""

from concurrent.futures import ThreadPoolExecutor

import httpx

from shared.engine_addresses import DNS, addresses, looked_up
from shared.errors import EngineUnavailable, UserFault

_LOOK = httpx.Timeout(5.0, connect=2.0)
# All weights go to the machine's memory, at some GB a second.
_CHANGE = httpx.Timeout(120.0, connect=2.0)
_NOT_THERE = (404, 405, 501)
_REMEDY = (
    "Start the engine so that it can sleep (on a GPU; vLLM: SELFSYNTH_ENGINE_SLEEP=true), "
    "or leave settings.engine_sleeps out where the trainer has a GPU of its own."
)


class CannotSleep(UserFault):
    code = "engine_cannot_sleep"


class Engines:
    """Raises CannotSleep, or EngineUnavailable when a replica does not answer as it should."""

    def __init__(self, engine_url: str, key: str) -> None:
        self._setting = engine_url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=_LOOK)

    def require_sleep(self) -> None:
        """That every replica could be put to sleep."""
        for url in self._urls():
            self._is_asleep(url)

    def put(self, asleep: bool) -> None:
        """Return when every replica is as it should be; one that cannot sleep is awake. One that fails keeps no other
        from it."""
        urls = self._urls()
        with ThreadPoolExecutor(len(urls)) as pool:
            changes = [pool.submit(self._sleep if asleep else self._wake, url) for url in urls]
        for change in changes:
            change.result()

    def close(self) -> None:
        self._http.close()

    def _urls(self) -> list[str]:
        each = addresses(self._setting)
        found = [url for one in each for url in (looked_up(one.removeprefix(DNS)) if one.startswith(DNS) else [one])]
        if not found:
            raise _away(self._setting, "its name does not resolve to any address")
        return list(dict.fromkeys(found))

    def _sleep(self, url: str) -> None:
        if not self._is_asleep(url):
            self._change(url, "/sleep", asleep=True)

    def _wake(self, url: str) -> None:
        try:
            if self._is_asleep(url):
                self._change(url, "/wake_up", asleep=False)
        except CannotSleep:
            return

    def _change(self, url: str, path: str, *, asleep: bool) -> None:
        response = self._asked("POST", url, path, _CHANGE)
        if not response.is_success or self._is_asleep(url) != asleep:
            raise _away(url, f"{path} answers HTTP {response.status_code}: {_reason(response)}")

    def _is_asleep(self, url: str) -> bool:
        response = self._asked("GET", url, "/is_sleeping", _LOOK)
        if not response.is_success and response.status_code not in _NOT_THERE:
            raise _away(url, f"/is_sleeping answers HTTP {response.status_code}: {_reason(response)}")
        state = _field(response, "is_sleeping") if response.is_success else None
        if not isinstance(state, bool):
            raise CannotSleep(f"the engine at {url} cannot be put to sleep: {_reason(response)}", remedy=_REMEDY)
        return state

    def _asked(self, method: str, url: str, path: str, timeout: httpx.Timeout) -> httpx.Response:
        try:
            return self._http.request(method, url + path, timeout=timeout)
        except httpx.HTTPError as error:
            raise _away(url, f"{path}: {error or type(error).__name__}") from error


def _reason(response: httpx.Response) -> str:
    """The message of an OpenAI error body, if there is one."""
    told = _field(response, "error")
    message = told.get("message") if isinstance(told, dict) else None
    return str(message) if message else "it was not started with sleep mode"


def _field(response: httpx.Response, name: str) -> object:
    try:
        body = response.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None


def _away(url: str, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the engine at {url} cannot be asked to sleep or wake: {why}",
        remedy="Look into its log, start it, or correct SELFSYNTH_ENGINE_URL.",
    )
