"""The coordinator as a worker sees it: four calls over HTTP, with the worker's own token. Knows no step's content."""

from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from shared.artefacts import ManifestRef
from shared.errors import ErrorReport, StepStopped
from shared.types.tasks import StepTask

_TIMEOUT_S = 10.0
_LONGEST_WORDS = 1000


class Coordinator:
    """Calls for one attempt. A stale or cancelled attempt is answered 409 and raises StepStopped."""

    def __init__(self, base_url: str, token: str, worker: str, task: StepTask) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S)
        self._path = f"/internal/steps/{task.step_id}"
        self._who = {"attempt": task.attempt, "worker": worker}
        self._patience_s = task.lease_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def started(self) -> None:
        self._post_patiently("started", {})

    def heartbeat(self) -> None:
        """One try: the lease keeps its own time. Raises httpx.HTTPError when the coordinator does not answer well."""
        self._post("heartbeat", {})

    def progress(self, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """One try; what is lost is lost."""
        try:
            self._post("progress", {"done": done, "total": total, "metrics": dict(metrics)})
        except httpx.HTTPError:
            return

    def tell(self, message: str) -> None:
        """One try; also from an attempt that must end."""
        with suppress(httpx.HTTPError, StepStopped):
            self._post("told", {"message": message[:_LONGEST_WORDS]})

    def succeeded(self, ref: ManifestRef) -> None:
        self._post_patiently("ended", {"outcome": "succeeded", "manifest": ref.model_dump()})

    def failed(self, error: ErrorReport) -> None:
        self._post_patiently("ended", {"outcome": "failed", "error": error.model_dump()})

    def again(self) -> None:
        """This worker is being shut down; another shall go on from the parts that are there."""
        self._post_patiently("ended", {"outcome": "again"})

    def _post_patiently(self, verb: str, body: dict[str, Any]) -> None:
        """Tried again while the coordinator restarts, for as long as the lease could last."""
        for attempt in Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_exponential_jitter(multiplier=0.2, max=2),
            stop=stop_after_delay(self._patience_s),
            reraise=True,
        ):
            with attempt:
                self._post(verb, body)

    def _post(self, verb: str, body: dict[str, Any]) -> None:
        response = self._http.post(f"{self._path}/{verb}", json={**self._who, **body})
        if response.status_code in (404, 409):
            raise StepStopped(response.text)
        response.raise_for_status()


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)
