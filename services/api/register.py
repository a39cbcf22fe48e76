"""Makes a data set and the ingest job that will validate it, in one transaction."""

import os
from pathlib import Path, PurePosixPath

from services.api.database.connection import Database
from services.api.database.models import Dataset, Job
from services.api.datasets.request import IngestRequest
from services.api.datasets.validation.examine import is_within
from services.api.events import tell_job
from services.api.ids import new_id
from services.api.problems import Problem
from services.api.views.datasets import DatasetView, dataset_view
from shared.objects import ObjectStore
from shared.types.lifecycle import JobStatus


def check_path(path: str, roots: tuple[Path, ...]) -> None:
    """Raises Problem when the path is not an existing one below the import roots."""
    if not Path(path).is_absolute() or not _is_allowed(path, roots):
        allowed = ", ".join(map(str, roots)) or "none"
        raise Problem(
            "path_not_allowed",
            f"{path!r} is not below the folders that may be read ({allowed})",
            remedy="Use an absolute path below one of them, upload the data set, or extend SELFSYNTH_IMPORT_ROOTS.",
        )
    if not os.path.exists(path):  # False, not an error, for a path that no file could have
        raise Problem(
            "invalid_input", f"there is nothing at {path!r}", remedy="Check the path on the coordinator's machine."
        )


def _is_allowed(path: str, roots: tuple[Path, ...]) -> bool:
    """A path with NUL is a ValueError, one that is too long an OSError, a circle of links a RuntimeError."""
    try:
        return is_within(Path(path), roots)
    except (ValueError, OSError, RuntimeError):
        return False


def check_prefix(store: ObjectStore, prefix: str, allowed: str) -> None:
    """Raises Problem when the prefix is not below the import prefix, or nothing is there."""
    parts = prefix.split("/")
    is_plain = not {"", ".", ".."} & set(parts) and prefix.isprintable()
    if not allowed or not is_plain or not PurePosixPath(prefix).is_relative_to(PurePosixPath(allowed)):
        raise Problem(
            "path_not_allowed",
            f"{prefix!r} is not below the prefix that may be read ({allowed or 'none'})",
            remedy="Put the images below it; SELFSYNTH_IMPORT_PREFIX names it.",
        )
    if store.size_bytes(prefix) is None and next(store.walk(prefix), None) is None:
        raise Problem("invalid_input", f"the store has nothing below {prefix!r}", remedy="Put the images there first.")


def register(database: Database, dataset_id: str, name: str, request: IngestRequest) -> tuple[DatasetView, str]:
    """The data set as it stands, and the id of its ingest job."""
    with database.transaction() as session:
        dataset = Dataset(
            id=dataset_id,
            name=name,
            status="validating",
            source=request.source.model_dump(exclude_none=True),
            classes=[],
            splits={},
            report={},
        )
        session.add(dataset)
        session.flush()
        job = _ingest_job(dataset_id, request)
        session.add(job)
        session.flush()
        tell_job(session, job, "job.queued", "the data set was registered")
        return dataset_view(dataset, None), job.id


def _ingest_job(dataset_id: str, request: IngestRequest) -> Job:
    return Job(
        id=new_id("ing"),
        kind="ingest",
        status=JobStatus.QUEUED,
        dataset_id=dataset_id,
        model="",
        rounds=0,
        method="default",
        seed=request.seed,
        settings=request.model_dump(mode="json", exclude_none=True),
        labels={},
        warnings=[],
    )
