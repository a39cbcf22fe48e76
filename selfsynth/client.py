"""The REST API as Python calls. Synchronous, over httpx; knows addresses and JSON, nothing of how a job is done."""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pyarrow.parquet as pq
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from selfsynth.api_errors import ApiUnavailable, invalid_dataset, no_answer, refusal

Json = dict[str, Any]
Concepts = Mapping[str, Sequence[str]]
_TIMEOUT_S = 60.0
_PATIENCE_S = 30.0
_POLL_S = 0.5


class Client:
    """`url` of the API and its key. Use as a context manager, or `close` it.

    Every method raises ApiError. A call that may be repeated is, for `patience_s`, while the API does not answer: so a
    restart of the API is not noticed. `transport` is for tests.
    """

    def __init__(
        self, url: str, key: str, *, patience_s: float = _PATIENCE_S, transport: httpx.BaseTransport | None = None
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

    def add_dataset(self, path: Path | str, name: str, concepts: Concepts | None = None) -> Json:
        """Register the images below `path`, a folder that the API's machine may read. Returns at once, `validating`.

        `concepts`, label to concepts, replaces the data set's own concept bank.
        """
        body = {"name": name, "source": {"path": str(path)}, "concepts": concepts}
        return self._json_once("POST", "/datasets", json=body)

    def upload_dataset(self, archive: Path, name: str, concepts: Concepts | None = None) -> Json:
        """Register the images in a zip or tar file of this machine. Returns at once, `validating`."""
        form = {"name": name, "options": json.dumps({"concepts": concepts})}
        with archive.open("rb") as file:
            return self._json_once("POST", "/datasets/upload", data=form, files={"file": (archive.name, file)})

    def dataset(self, dataset_id: str) -> Json:
        return self._json("GET", f"/datasets/{dataset_id}")

    def datasets(self, limit: int = 50) -> Iterator[Json]:
        """All data sets, newest first, fetched `limit` at a time."""
        return self._pages("/datasets", {"limit": limit})

    def wait_dataset(self, dataset_id: str, on_update: Callable[[Json], None] | None = None) -> Json:
        """Until it is `ready`. Raises ApiError with the report's faults when it is `invalid`."""
        while True:
            found = self.dataset(dataset_id)
            if on_update:
                on_update(found)
            if found["status"] == "invalid":
                raise invalid_dataset(found)
            if found["status"] == "ready":
                return found
            time.sleep(_POLL_S)

    def start_job(
        self,
        dataset: str,
        model: str,
        rounds: int = 4,
        method: str = "default",
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """Post a job. Without an `idempotency_key` of yours one is made, so that a repeated call posts one job only."""
        body = {
            "dataset": dataset,
            "model": model,
            "rounds": rounds,
            "method": method,
            "seed": seed,
            "settings": dict(settings or {}),
            "metadata": dict(metadata or {}),
        }
        return self._json("POST", "/jobs", json=body, headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex})

    def job(self, job_id: str) -> Json:
        return self._json("GET", f"/jobs/{job_id}")

    def jobs(self, limit: int = 50) -> Iterator[Json]:
        """All jobs, newest first, fetched `limit` at a time."""
        return self._pages("/jobs", {"limit": limit})

    def events(self, job_id: str, after: str | None = None, limit: int = 100) -> Iterator[Json]:
        """What happened to the job, oldest first, from the cursor `after` on."""
        return self._pages(f"/jobs/{job_id}/events", {"limit": limit, **({"after": after} if after else {})})

    def wait(self, job_id: str, on_update: Callable[[Json], None] | None = None) -> Json:
        """Until the job is terminal, in whatever way: look at its `status` and `error`."""
        while True:
            job = self.job(job_id)
            if on_update:
                on_update(job)
            if job["is_terminal"]:
                return job
            time.sleep(_POLL_S)

    def cancel(self, job_id: str) -> Json:
        return self._json("POST", f"/jobs/{job_id}/cancel")

    def download_adapter(self, job_id: str, round_: int, path: Path) -> Path:
        """Put the files of the adapter that the round trained into the folder `path`. Returns `path`."""
        packed = self._bytes(f"/jobs/{job_id}/rounds/{round_}/adapter")
        path.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                # By the last part of its name alone: an archive has no say in where it is unpacked.
                if content := archive.extractfile(member):
                    (path / Path(member.name).name).write_bytes(content.read())
        return path

    def download_artefact(self, job_id: str, round_: int, step: str) -> list[Json]:
        """All rows that the step left, in order; their fields are those of its record (shared.types.records)."""
        listing = self._json("GET", f"/jobs/{job_id}/rounds/{round_}/steps/{step}/artefact")
        rows: list[Json] = []
        for part in listing["parts"]:
            rows += pq.read_table(io.BytesIO(self._bytes(part["href"]))).to_pylist()
        return rows

    def _pages(self, path: str, query: Json) -> Iterator[Json]:
        while True:
            page = self._json("GET", path, params=query)
            yield from page["items"]
            if not page["items"] or not page["next"]:
                return
            query = {**query, "after": page["next"]}

    def _bytes(self, path: str) -> bytes:
        return self._patiently("GET", path).content

    def _json(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._patiently(method, path, **request).json()
        return answer

    def _json_once(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._send(method, path, **request).json()
        return answer

    def _patiently(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One call, repeated while the API is away. Only for calls that may be repeated."""
        away = retry_if_exception_type(ApiUnavailable)
        wait = wait_exponential_jitter(multiplier=0.1, max=2)
        retrying = Retrying(retry=away, wait=wait, stop=stop_after_delay(self._patience_s), reraise=True)
        return retrying(self._send, method, path, **request)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise no_answer(self._http.base_url, error) from error
        if not response.is_success:
            raise refusal(response)
        return response
