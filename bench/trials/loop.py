"""Runs steps of a job in this process, with the services' own step functions: no coordinator, no queue.

A step whose manifest is there is not run again, so that a bench that was stopped goes on where it was. Training has its
subprocess as ever, and the engine one of its own. Knows no arms.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx

from selfsynth.stack.ports import free_port
from services.api.inputs import JobFacts, task_for
from services.api.rounds import Position
from services.generator.chat import Engine
from services.generator.wiring import build_steps as generation_steps
from services.selector.encoder import SentenceEncoder
from services.selector.wiring import build_steps as selection_steps
from services.selector.wiring import encoder_model
from services.trainer.wiring import TrainerSettings
from services.trainer.wiring import steps_of as training_steps
from shared.artefacts import ArtefactWriter, fingerprint, pinned, read_manifest, read_rows
from shared.errors import NotFound
from shared.objects import ObjectStore
from shared.types.lifecycle import StepName
from shared.types.records import Record
from shared.types.tasks import StepTask, adapter_name
from shared.worker.context import StepContext, Work

R = TypeVar("R", bound=Record)

MODEL = "tiny-birds"
CHECKPOINT = Path(__file__).parents[2] / "selfsynth/demo/base/checkpoint"
_KEY = "bench"


@dataclass
class Job:
    """One arm's run with one seed. `artefacts` may hold another job's; what the steps leave is added."""

    id: str
    seed: int
    params: Mapping[str, Any]
    examples: str
    bank: str
    artefacts: dict[Position, tuple[str, ...]] = field(default_factory=dict)
    adapters: dict[int, str] = field(default_factory=dict)

    def task(self, round_: int, step: StepName) -> StepTask:
        facts = JobFacts(
            job_id=self.id,
            dataset_id="none",
            model=MODEL,
            seed=self.seed,
            params=self.params,
            lease_s=60,
            examples=(self.examples,),
            concept_bank=(self.bank,),
            artefacts=self.artefacts,
            adapters=self.adapters,
        )
        return task_for(facts, Position(round_, step), 0, 1, 1)


class Loop:
    """The steps over one store. `url` is the engine's."""

    def __init__(self, store: ObjectStore, folder: Path, url: str) -> None:
        self.store = store
        self._folder = folder
        self._engine = Engine(url, key=_KEY, in_flight=192, patience_s=600, request_s=1800)

    def run(self, job: Job, round_: int, step: StepName) -> str:
        """The key of the step's manifest."""
        task = job.task(round_, step)
        key = self._finished(task) or self._work[step](StepContext(task, self.store)).key
        job.artefacts[Position(round_, step)] = (key,)
        if step == StepName.TRAIN:
            self.publish(job, round_, key)
        return key

    def rows(self, key: str, record: type[R]) -> list[R]:
        return list(read_rows(self.store, (key,), record))

    def figures(self, key: str) -> dict[str, float]:
        return read_manifest(self.store, key).figures

    def leave(self, job: Job, round_: int, step: StepName, rows: Sequence[R], record: type[R]) -> str:
        """Put `rows` in the place of what the step left, for the steps after it."""
        task = job.task(round_, step)
        # By content: what is written is never written over, and other rows are another input of the steps after it.
        content = hashlib.sha256("".join(row.model_dump_json() for row in rows).encode()).hexdigest()[:12]
        task = task.model_copy(update={"output_prefix": f"{task.output_prefix}-changed-{content}"})
        writer = ArtefactWriter(self.store, task, record)
        writer.put(0, rows)
        key = writer.finish(1).key
        job.artefacts[Position(round_, step)] = (key,)
        return key

    def _finished(self, task: StepTask) -> str | None:
        key = f"{task.output_prefix}/manifest-a{task.attempt}.json"
        try:
            found = read_manifest(self.store, key)
        except NotFound:
            return None
        if encoder := found.extra.get("encoder"):  # always the same one here
            task = pinned(task, encoder=encoder)
        return key if found.fingerprint == fingerprint(task) else None

    def publish(self, job: Job, round_: int, key: str) -> None:
        """As the coordinator does with an accepted adapter."""
        adapter = read_manifest(self.store, key).extra["adapter"]
        name = adapter_name(job.id, round_)
        self.store.put(f"adapters/{name}.json", json.dumps({"name": name, **adapter, "base_model": MODEL}).encode())
        job.adapters[round_] = adapter["prefix"]

    @cached_property
    def _work(self) -> dict[StepName, Work]:
        encoder = SentenceEncoder(encoder_model("minilm"))
        settings = TrainerSettings.model_validate(
            {
                "store_url": self.store.url,
                "redis_url": "unused",
                "coordinator_url": "unused",
                "worker_token": "unused",
                "models": {MODEL: CHECKPOINT},
                "work_dir": self._folder / "training",
                "trainer_threads": 1,
            }
        )
        return generation_steps(self._engine) | selection_steps(encoder) | training_steps(settings)


@contextmanager
def running_engine(store_url: str, folder: Path) -> Iterator[str]:
    """The URL of an engine that serves the base and, from the store, every adapter."""
    port = free_port(None)
    given = {
        "STORE_URL": store_url,
        "ENGINE_MODEL": CHECKPOINT,
        "ENGINE_NAME": MODEL,
        "ENGINE_PORT": port,
        "ENGINE_KEY": _KEY,
        "ENGINE_THREADS": 1,
    }
    root = str(Path(__file__).parents[2])
    env = os.environ | {f"SELFSYNTH_{name}": str(value) for name, value in given.items()} | {"PYTHONPATH": root}
    with (folder / "engine.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.generator.engine"], env=env, stdout=log, stderr=log, cwd=root
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise RuntimeError("the engine did not start; engine.log says why")
