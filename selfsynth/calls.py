"""Calls of the API over HTTP: addresses and JSON in, JSON out, errors as ApiError. Knows nothing of what is called."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from selfsynth.api_errors import ApiUnavailable, no_answer, refusal

Json = dict[str, Any]
_TIMEOUT_S = 60.0
PATIENCE_S = 30.0


class Calls:
    """`url` of the API and its key. Use as a context manager, or `close` it.

    Every method raises ApiError. A call that may be repeated is, for `patience_s`, while the API does not answer: so a
    restart of the API is not noticed. `transport` is for tests.
    """

    def __init__(
        self, url: str, key: str, *, patience_s: float = PATIENCE_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, transport=transport)
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _pages(self, path: str, query: Json) -> Iterator[Json]:
        while True:
            page = self._json("GET", path, params=query)
            yield from page["items"]
            if not page["items"] or not page["next"]:
                return
            query = {**query, "after": page["next"]}

    def _bytes(self, path: str) -> bytes:
        return self._patiently("GET", path).content

    def _to_file(self, path: str, target: Path) -> None:
        """The body into a file, however large, from its beginning again while the API is away."""
        self._retrying()(self._stream, path, target)

    def _stream(self, path: str, target: Path) -> None:
        try:
            with self._http.stream("GET", path) as response, target.open("wb") as file:
                if not response.is_success:
                    response.read()
                    raise refusal(response)
                for chunk in response.iter_bytes():
                    file.write(chunk)
        except httpx.TransportError as error:
            raise no_answer(self._http.base_url, error) from error

    def _json(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._patiently(method, path, **request).json()
        return answer

    def _json_once(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._send(method, path, **request).json()
        return answer

    def _patiently(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One call, repeated while the API is away. Only for calls that may be repeated."""
        return self._retrying()(self._send, method, path, **request)

    def _retrying(self) -> Retrying:
        away = retry_if_exception_type(ApiUnavailable)
        wait = wait_exponential_jitter(multiplier=0.1, max=2)
        return Retrying(retry=away, wait=wait, stop=stop_after_delay(self._patience_s), reraise=True)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise no_answer(self._http.base_url, error) from error
        if not response.is_success:
            raise refusal(response)
        return response
