"""Which base models the engine serves, by its OpenAI-compatible model list."""

import httpx

from shared.engine_addresses import reachable
from shared.errors import EngineUnavailable

_TIMEOUT_S = 5.0


class ServedModels:
    def __init__(self, engine_url: str, key: str) -> None:
        self._urls = reachable(engine_url)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT_S)

    def names(self) -> list[str]:
        """Base models only: an entry with a `parent` is an adapter. Of several replicas the first that answers is
        believed. Raises EngineUnavailable when none does."""
        *others, last = self._urls
        for url in others:
            try:
                return self._names(url)
            except EngineUnavailable:
                continue
        return self._names(last)

    def _names(self, url: str) -> list[str]:
        try:
            response = self._http.get(f"{url}/v1/models")
            response.raise_for_status()
            entries = response.json()["data"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise EngineUnavailable(
                f"the engine at {url} does not list its models: {error or type(error).__name__}",
                remedy="Start the engine, or correct SELFSYNTH_ENGINE_URL; then send the request again.",
            ) from error
        return [entry["id"] for entry in entries if not entry.get("parent")]

    def close(self) -> None:
        self._http.close()
