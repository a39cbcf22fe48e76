"""The REST API as Python calls. Synchronous; knows what can be asked for, nothing of how a job is done."""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq

from selfsynth.api_errors import invalid_dataset
from selfsynth.calls import Json
from selfsynth.concept_calls import ConceptCalls
from selfsynth.export_calls import ExportCalls
from selfsynth.packing import Outgoing
from selfsynth.report_calls import ReportCalls

Concepts = Mapping[str, Sequence[str]]
_POLL_S = 0.5
# The API looks through the whole archive before it answers.
_UPLOAD_TIMEOUT = httpx.Timeout(60.0, read=3600.0)


class Client(ConceptCalls, ExportCalls, ReportCalls):
    """What the API can do. Every method raises ApiError. See Calls for what it is made of."""

    def add_dataset(self, path: Path | str, name: str, concepts: Concepts | None = None, **wishes: Any) -> Json:
        """Register the images below `path`, a folder that the API's machine may read; a relative one is below this
        process's folder. Returns at once, `validating`.

        `concepts`, label to concepts, replaces the data set's own concept bank. `wishes` are further fields of
        POST /datasets: kind, layout, options, policy, validation_share, test_share, seed, noun, asks_for.
        """
        body = {"name": name, "source": {"path": str(Path(path).absolute())}, "concepts": concepts, **wishes}
        return self._json_once("POST", "/datasets", json=body)

    def import_dataset(self, prefix: str, name: str, concepts: Concepts | None = None, **wishes: Any) -> Json:
        """As `add_dataset`, of the images (or the one archive) below a prefix of the system's own object store."""
        body = {"name": name, "source": {"prefix": prefix}, "concepts": concepts, **wishes}
        return self._json_once("POST", "/datasets", json=body)

    def upload_dataset(
        self,
        path: Path,
        name: str,
        concepts: Concepts | None = None,
        on_sent: Callable[[int, int], None] | None = None,
        **wishes: Any,
    ) -> Json:
        """As `add_dataset`, of a zip or tar file or a folder of this machine, which is sent: a folder as a tar that is
        made on the way. `on_sent` hears the bytes sent and those in all."""
        form = {"name": name, "options": json.dumps({"concepts": concepts, **wishes})}
        with Outgoing(path, on_sent) as stream:
            files = {"file": (path.name, stream)}
            return self._json_once("POST", "/datasets/upload", data=form, files=files, timeout=_UPLOAD_TIMEOUT)

    def dataset_report(self, dataset_id: str) -> Json:
        """All findings: `{"errors", "warnings", "errors_total", "warnings_total", "counts"}`."""
        return self._json("GET", f"/datasets/{dataset_id}/report")

    def dataset_findings(self, dataset_id: str, code: str | None = None, limit: int = 100) -> Iterator[Json]:
        """Every image of which something was found, or of which `code` was, fetched `limit` at a time."""
        return self._pages(f"/datasets/{dataset_id}/findings", {"limit": limit, **({"code": code} if code else {})})

    def dataset_sheet(self, dataset_id: str) -> Iterator[bytes]:
        """The pages of sample images, each a JPEG."""
        page = pages = 1
        while page <= pages:
            answer = self._patiently("GET", f"/datasets/{dataset_id}/sheet", params={"page": page})
            pages = int(answer.headers["X-Pages"])
            yield answer.content
            page += 1

    def dataset_images(
        self, dataset_id: str, class_: str | None = None, split: str | None = None, limit: int = 100
    ) -> Iterator[Json]:
        """The examples, of one class or split if named, fetched `limit` at a time."""
        query = {"limit": limit, "class": class_, "split": split}
        return self._pages(f"/datasets/{dataset_id}/images", {k: v for k, v in query.items() if v is not None})

    def cancel_dataset(self, dataset_id: str) -> Json:
        """Stop its validation."""
        return self._json("POST", f"/datasets/{dataset_id}/cancel")

    def dataset(self, dataset_id: str) -> Json:
        return self._json("GET", f"/datasets/{dataset_id}")

    def datasets(self, limit: int = 50) -> Iterator[Json]:
        """All data sets, newest first, fetched `limit` at a time."""
        return self._pages("/datasets", {"limit": limit})

    def follow_dataset(self, dataset_id: str, on_update: Callable[[Json], None] | None = None) -> Json:
        """Until it is validated, `ready` or `invalid`."""
        while True:
            found = self.dataset(dataset_id)
            if on_update:
                on_update(found)
            if found["status"] != "validating":
                return found
            time.sleep(_POLL_S)

    def wait_dataset(self, dataset_id: str, on_update: Callable[[Json], None] | None = None) -> Json:
        """Until it is `ready`. Raises ApiError with the report's faults when it is `invalid`."""
        return demand_ready(self.follow_dataset(dataset_id, on_update))

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


def demand_ready(dataset: Json) -> Json:
    """The data set, unless it is `invalid`: then raises ApiError with the report's faults."""
    if dataset["status"] == "invalid":
        raise invalid_dataset(dataset)
    return dataset
