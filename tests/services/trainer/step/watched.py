"""A train step run as a worker would, its subprocess watched and disturbed."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from safetensors.torch import load

from services.trainer.notes import EVENTS, StepDone
from services.trainer.step.train import train
from services.trainer.wiring import TrainerSettings
from shared.artefacts import Manifest, ManifestRef, read_manifest, read_rows
from shared.objects import ObjectStore, open_store
from shared.types.records import LossPoint
from shared.worker.context import StepContext
from tests.services.trainer.scene import put_inputs, task_for, trainer_settings


def trainers_here() -> list[psutil.Process]:
    """Training programs below this process; other fixtures' servers may be there too."""
    below = psutil.Process().children(recursive=True)
    alive = [child for child in below if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if "services.trainer.sft" in child.cmdline()]


class Watched:
    """One task of 16 pairs, so many `questions` an image, and what its attempts pushed and told. `train_settings` are
    laid over the scene's."""

    def __init__(
        self, folder: Path, model: Path, processes: int = 1, questions: int = 1, **train_settings: Any
    ) -> None:
        self.settings: TrainerSettings = trainer_settings(folder, model).model_copy(
            update={"trainer_processes": processes}
        )
        self.store: ObjectStore = open_store(self.settings.store_url)
        self.inputs = put_inputs(self.store, questions=questions)
        self.train_settings = train_settings
        self.pushed: dict[int, list[tuple[int, int, dict[str, float]]]] = {}
        self.told: list[str] = []

    def run(self, attempt: int = 1, check: Callable[[], None] = lambda: None) -> ManifestRef:
        pushed = self.pushed.setdefault(attempt, [])

        def push(done: int, total: int, metrics: Mapping[str, float]) -> None:
            pushed.append((done, total, dict(metrics)))

        task = task_for(self.inputs, attempt, **self.train_settings)
        return train(StepContext(task, self.store, push, check, self.told.append), self.settings)

    def run_killed_at(self, attempt: int, step: int) -> None:
        """SIGKILL to the program as soon as it has noted optimiser step `step`. Raises as the step does."""
        over = threading.Event()
        killer = threading.Thread(target=self._kill_at, args=(attempt, step, over))
        killer.start()
        try:
            self.run(attempt)
        finally:
            over.set()
            killer.join()

    def finish(self, attempt: int = 1) -> Manifest:
        return read_manifest(self.store, self.run(attempt).key)

    def weights(self, manifest: Manifest) -> Any:
        return load(self.store.get(f"{manifest.extra['adapter']['prefix']}/adapter_model.safetensors"))

    def curve(self, manifest: Manifest) -> list[LossPoint]:
        return list(read_rows(self.store, [f"jobs/job/r1/train/s0/manifest-a{manifest.attempt}.json"], LossPoint))

    def checkpoints(self) -> list[str]:
        return [key for key in self.store.list("jobs") if "/checkpoints/" in key]

    def _kill_at(self, attempt: int, step: int, over: threading.Event) -> None:
        while not over.wait(0.002):
            if self._noted(attempt) >= step:
                for process in trainers_here():
                    process.kill()
                return

    def _noted(self, attempt: int) -> int:
        """The last optimiser step that the attempt's launches wrote down."""
        files = self.settings.work_dir.glob(f"*/a{attempt}/run*/notes.jsonl")
        lines = [line for file in files for line in _whole(file)]
        notes = [EVENTS.validate_json(line) for line in lines]
        return max((note.point.step for note in notes if isinstance(note, StepDone)), default=0)


def _whole(file: Path) -> list[bytes]:
    return [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
