"""The job that dies many deaths: workers, the training program and the coordinator are killed, the queue is emptied,
workers are asked to go. In the middle of its last training a backup of the running stack is made."""

import re
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import redis

from selfsynth.backup import back_up
from selfsynth.client import Client
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack import Stack, StackOptions
from shared.artefacts import Manifest
from tests.faults.watching import freeze, freeze_in_the_middle, has_ended, parts_of, until
from tests.models import tiny_llava

TRAIN_IMAGES = 48
# An untrained model names nothing: every pair is a label-only one. Many small parts, so that a kill falls between them.
SETTINGS: dict[str, Any] = {
    "noun": "bird",
    "questions": "generic",
    "examples_per_part": 1,
    "describe": {"instructions": 1, "samples": 2, "max_tokens": 12},
    "synthesise": {
        "questions": 2,
        "resamples": 0,
        "max_tokens": 8,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "evaluate": {"max_tokens": 8},
    "train": {
        "lora_rank": 4,
        "lora_alpha": 8,
        "epochs": 5,
        "batch_size": 4,
        "checkpoint_every": 10,
        "max_length": 256,
        "precision": "float32",
        "gradient_checkpointing": False,
    },
}


# A worker is held for a moment before it is asked to go, and must not lose its lease by that.
OPTIONS: dict[str, Any] = {"lease_s": 6.0, "lease_margin_s": 0.5, "reconcile_s": 0.2}


@dataclass
class Survivor:
    """The finished job, what stood in the store right before each kill, and where its backup is."""

    job: dict[str, Any]
    events: list[dict[str, Any]]
    folder: Path
    before: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def objects(self) -> Path:
        return self.folder / "stack" / "objects"

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def step(self, round_: int, step: str) -> Path:
        return self.objects / f"jobs/{self.job['id']}/r{round_}/{step}"

    def manifest(self, round_: int, step: str) -> Manifest:
        newest = max(self.step(round_, step).glob("s0/manifest-a*.json"))
        return Manifest.model_validate_json(newest.read_text())

    def rows(self, round_: int, step: str) -> Iterator[Mapping[str, Any]]:
        for part in self.manifest(round_, step).parts:
            yield from pq.read_table(self.objects / part.key).to_pylist()

    def told(self, step: str, *kinds: str) -> list[dict[str, Any]]:
        """The events of these kinds about a step of round 1."""
        return [e for e in self.events if (e["round"], e["step"]) == (1, step) and e["kind"] in kinds]


def survive(folder: Path) -> Survivor:
    """Run the job through all of it."""
    world = folder / "world"
    write_dataset(world, 5, {"train": 4, "validation": 1, "test": 1})
    options = StackOptions(model_path=tiny_llava(folder / "model"), import_roots=(world,), **OPTIONS)
    slow = {"generator": {"SELFSYNTH_IN_FLIGHT": "2"}}
    with Stack(folder / "stack", options, env=slow) as stack, Client(stack.url, stack.api_key) as client:
        dataset = client.wait_dataset(client.add_dataset(world, "birds")["id"])
        job = client.start_job(dataset=dataset["id"], model=options.model_name, rounds=1, settings=SETTINGS)
        run = Survivor(job, [], folder)
        _drain(run, stack, "generator", "describe")
        _kill_in_parts(run, stack, "generator", "describe")
        _flush(stack)
        stack.process("api").kill()
        for name in ("postgres", "valkey", "data"):
            stack.process(name).restart()
        _kill_in_parts(run, stack, "selector", "select_concepts")
        _kill_training(run, stack)
        stack.process("api").kill()
        _kill_trainer(run, stack)
        _shut_down_trainer(run, stack)
        _back_up(run, stack)
        run.job = client.wait(job["id"])
        run.events = list(client.events(job["id"]))
    return run


def _kill_in_parts(run: Survivor, stack: Stack, process: str, step: str) -> None:
    """SIGKILL after the attempt's first part and before the last."""
    folder = run.step(1, step)
    until(f"a {process}", lambda: stack.process(process).is_running)
    family = freeze_in_the_middle(stack.process(process).pid, folder, seen=len(parts_of(folder)))
    assert not has_ended(folder), f"{step} was over before the kill"
    run.before[step] = parts_of(folder)
    assert 0 < len(run.before[step]) < TRAIN_IMAGES
    _kill(stack, process, family)


def _kill(stack: Stack, process: str, family: list[psutil.Process]) -> None:
    stack.process(process).kill()
    psutil.wait_procs(family, timeout=10)
    assert not [member for member in family if member.is_running()], "a child outlived its worker"


def _flush(stack: Stack) -> None:
    redis.Redis.from_url(stack.record.redis_url).flushall()


def _checkpoints(run: Survivor) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in run.step(1, "train").glob("**/checkpoints/*.tar")}


def _kill_training(run: Survivor, stack: Stack) -> None:
    """SIGKILL the training program alone, after its first checkpoint."""
    until("a checkpoint", lambda: bool(_checkpoints(run)), poll_s=0.02)
    for program in _training_programs(stack):
        program.kill()


def _training_programs(stack: Stack) -> list[psutil.Process]:
    children = psutil.Process(stack.process("trainer").pid).children(recursive=True)
    programs = [child for child in children if "services.trainer.sft" in " ".join(child.cmdline())]
    assert programs, "training was over too early"
    return programs


def _kill_trainer(run: Survivor, stack: Stack) -> None:
    """SIGKILL the worker above a training program that has resumed and gone on to a checkpoint of its own."""
    seen = {path for path in _checkpoints(run) if path.endswith("-a1.tar")}
    until("a checkpoint of attempt 2", lambda: bool(set(_checkpoints(run)) - seen), poll_s=0.02)
    family = freeze(stack.process("trainer").pid)
    assert not has_ended(run.step(1, "train")), "training was over before the kill"
    _kill(stack, "trainer", family)


def _shut_down_trainer(run: Survivor, stack: Stack) -> None:
    """SIGTERM to the third worker while it trains; another takes its place."""
    until("a checkpoint of attempt 3", lambda: any(path.endswith("-a3.tar") for path in _checkpoints(run)), poll_s=0.02)
    run.before["shut_down"] = _checkpoints(run)
    stack.process("trainer").restart()
    assert not has_ended(run.step(1, "train")), "training was over before the shutdown"


def _drain(run: Survivor, stack: Stack, name: str, step: str) -> None:
    """SIGTERM to a worker in the middle of a step; another takes its place. The process that works is held until it has
    been asked, however quick its step is."""
    folder = run.step(1, step)
    worker, *below = freeze_in_the_middle(stack.process(name).pid, folder)
    assert not has_ended(folder), f"{step} was over before the worker was asked to go"
    asked = threading.Thread(target=stack.process(name).restart)
    asked.start()
    until("SIGTERM at the worker", lambda: _is_asked(worker))
    worker.resume()
    until("SIGTERM at what works below it", lambda: any(map(_is_asked, below)))
    for process in below:
        process.resume()
    asked.join()


def _is_asked(process: psutil.Process) -> bool:
    """Whether SIGTERM waits to be delivered to it."""
    [pending] = re.findall(r"^ShdPnd:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    return bool(int(pending, 16) & 1 << signal.SIGTERM - 1)


def _back_up(run: Survivor, stack: Stack) -> None:
    """While all else runs the training program is held, so that it cannot finish meanwhile."""
    until("a checkpoint of attempt 4", lambda: any(path.endswith("-a4.tar") for path in _checkpoints(run)), poll_s=0.02)
    programs = _training_programs(stack)
    for program in programs:
        program.suspend()
    assert not has_ended(run.step(1, "train")), "training was over before the backup"
    assert back_up(stack.folder, run.backup).lacking == ()
    for program in programs:
        program.resume()
