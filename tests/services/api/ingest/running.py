"""The ingest step without queue and coordinator."""

from pathlib import Path
from typing import Any

from services.api.ingest.step import Rules, ingest
from shared.artefacts import Manifest, read_manifest, read_rows
from shared.objects import ObjectStore
from shared.types.lifecycle import StepName
from shared.types.records import Example
from shared.types.tasks import StepTask
from shared.worker.context import StepContext

PER_PART = 64


def ingest_task(path: Path, attempt: int = 1, dataset: str = "ds", **options: Any) -> StepTask:
    return StepTask(
        step_id=f"{dataset}-0-ingest-0",
        job_id=dataset,
        round=0,
        step=StepName.INGEST,
        attempt=attempt,
        output_prefix=f"datasets/{dataset}",
        base_model="",
        teacher="",
        seed=0,
        params={"source": {"path": str(path)}, **options},
    )


def run(store: ObjectStore, task: StepTask, root: Path | None = None, processes: int = 0, **context: Any) -> Manifest:
    """The manifest that the step leaves. `root` may be read; the folder above the data set by default."""
    root = root or Path(task.params["source"]["path"]).parent
    ref = ingest(StepContext(task, store, **context), Rules((root,), 1 << 20, processes, images_per_part=PER_PART))
    return read_manifest(store, ref.key)


def examples(store: ObjectStore, task: StepTask) -> list[Example]:
    return list(read_rows(store, [f"{task.output_prefix}/manifest-a{task.attempt}.json"], Example))
