"""One job, many deaths: workers, the training subprocess and the coordinator are killed, the queue is emptied, and a
training worker is shut down."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import redis

from selfsynth.client import Client
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack.stack import Stack, StackOptions
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
    "synthesise": {"questions": 2, "resamples": 0, "max_tokens": 8, "fallback": "label_only"},
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


@dataclass
class Survivor:
    """The finished job, and what stood in the store right before each kill."""

    job: dict[str, Any]
    events: list[dict[str, Any]]
    objects: Path
    before: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def folder(self, round_: int, step: str) -> Path:
        return self.objects / f"jobs/{self.job['id']}/r{round_}/{step}"

    def manifest(self, round_: int, step: str) -> Manifest:
        newest = max(self.folder(round_, step).glob("s0/manifest-a*.json"))
        return Manifest.model_validate_json(newest.read_text())


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivor]:
    folder = tmp_path_factory.mktemp("survival")
    world = folder / "world"
    write_dataset(world, 5, {"train": 4, "validation": 1, "test": 1})
    options = StackOptions(
        model_path=tiny_llava(folder / "model"),
        import_roots=(world,),
        lease_s=3.0,
        lease_margin_s=0.5,
        reconcile_s=0.2,
    )
    slow = {"generator": {"SELFSYNTH_IN_FLIGHT": "2"}}
    with Stack(folder / "stack", options, env=slow) as stack, Client(stack.url, stack.api_key) as client:
        dataset = client.wait_dataset(client.add_dataset(world, "birds")["id"])
        job = client.start_job(dataset=dataset["id"], model=options.model_name, rounds=1, settings=SETTINGS)
        run = Survivor(job, [], folder / "stack" / "objects")
        _kill_in_parts(run, stack, "generator", "describe")
        _flush(stack)
        stack.process("api").kill()
        _kill_in_parts(run, stack, "selector", "select_concepts")
        _kill_training(run, stack)
        stack.process("api").kill()
        _kill_trainer(run, stack)
        _shut_down_trainer(run, stack)
        run.job = client.wait(job["id"])
        run.events = list(client.events(job["id"]))
        yield run


def _kill_in_parts(run: Survivor, stack: Stack, process: str, step: str) -> None:
    """SIGKILL after the first part and before the last."""
    folder = run.folder(1, step)
    family = freeze_in_the_middle(stack.process(process).pid, folder)
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
    return {str(path): path.read_bytes() for path in run.folder(1, "train").glob("**/checkpoints/*.tar")}


def _kill_training(run: Survivor, stack: Stack) -> None:
    """SIGKILL the training program alone, after its first checkpoint."""
    until("a checkpoint", lambda: bool(_checkpoints(run)), poll_s=0.02)
    children = psutil.Process(stack.process("trainer").pid).children(recursive=True)
    programs = [child for child in children if "services.trainer.sft" in " ".join(child.cmdline())]
    assert programs, "training was over before the kill"
    for program in programs:
        program.kill()


def _kill_trainer(run: Survivor, stack: Stack) -> None:
    """SIGKILL the worker above a training program that has resumed and gone on to a checkpoint of its own."""
    seen = {path for path in _checkpoints(run) if path.endswith("-a1.tar")}
    until("a checkpoint of attempt 2", lambda: bool(set(_checkpoints(run)) - seen), poll_s=0.02)
    family = freeze(stack.process("trainer").pid)
    assert not has_ended(run.folder(1, "train")), "training was over before the kill"
    _kill(stack, "trainer", family)


def _shut_down_trainer(run: Survivor, stack: Stack) -> None:
    """SIGTERM to the third worker while it trains; another takes its place."""
    until("a checkpoint of attempt 3", lambda: any(path.endswith("-a3.tar") for path in _checkpoints(run)), poll_s=0.02)
    run.before["shut_down"] = _checkpoints(run)
    stack.process("trainer").restart()
    assert not has_ended(run.folder(1, "train")), "training was over before the shutdown"


def test_the_job_succeeds(survivor: Survivor) -> None:
    assert survivor.job["status"] == "succeeded", survivor.job["error"]


@pytest.mark.parametrize(("step", "deaths"), [("describe", 1), ("select_concepts", 1), ("train", 3)])
def test_every_death_cost_one_attempt(survivor: Survivor, step: str, deaths: int) -> None:
    started = [e for e in survivor.events if e["step"] == step and e["kind"] == "step.started"]
    assert [e["attempt"] for e in started] == list(range(1, deaths + 2))


def test_no_step_was_started_twice_at_once(survivor: Survivor) -> None:
    """Between two starts of a step stands the end of the first."""
    story: dict[tuple[int, str], list[str]] = {}
    for event in survivor.events:
        if event["kind"] in ("step.started", "step.lost", "step.failed", "step.handed_back", "step.succeeded"):
            story.setdefault((event["round"], event["step"]), []).append(event["kind"])
    assert story
    for kinds in story.values():
        assert kinds[::2] == ["step.started"] * (len(kinds) // 2), kinds
        assert kinds[-1] == "step.succeeded"


@pytest.mark.parametrize(
    ("step", "rows_each"), [("describe", 2), ("select_concepts", None), ("synthesise", None)], ids=str
)
def test_every_example_is_in_every_artefact_exactly_once(survivor: Survivor, step: str, rows_each: int | None) -> None:
    rows = list(_rows(survivor, 1, step))
    keys = Counter((row["example_id"], *_within(row)) for row in rows)
    assert len({row["example_id"] for row in rows}) == TRAIN_IMAGES
    assert set(keys.values()) == {1}
    if rows_each:
        assert len(rows) == rows_each * TRAIN_IMAGES


@pytest.mark.parametrize("step", ["describe", "select_concepts"])
def test_parts_of_before_the_kill_are_untouched_and_used(survivor: Survivor, step: str) -> None:
    before = survivor.before[step]
    assert {path: Path(path).read_bytes() for path in before} == before
    used = {str(survivor.objects / part.key) for part in survivor.manifest(1, step).parts}
    assert set(before) <= used


def test_training_went_on_from_its_checkpoint(survivor: Survivor) -> None:
    """One point a logged step, in order, none twice."""
    steps = [row["step"] for row in _rows(survivor, 1, "train")]
    assert steps == list(range(1, 121))


def test_a_worker_that_is_shut_down_leaves_a_checkpoint_and_hands_its_step_back(survivor: Survivor) -> None:
    """At the step where it was, not at the next tenth one; another worker goes on from there."""
    ended = [e for e in survivor.events if e["step"] == "train" and e["kind"] == "step.handed_back"]
    assert [e["attempt"] for e in ended] == [3]
    started = [e["worker"] for e in survivor.events if e["step"] == "train" and e["kind"] == "step.started"]
    assert started[3] != started[2]
    assert survivor.manifest(1, "train").attempt == 4


def test_the_job_shows_how_training_goes(survivor: Survivor) -> None:
    train = next(step for step in survivor.job["rounds"][1]["steps"] if step["step"] == "train")
    assert {"loss", "learning_rate", "grad_norm", "tokens_per_s", "eta_s"} <= train["metrics"].keys()
    assert {"gpu_seconds", "cpu_seconds", "tokens"} <= train["figures"].keys()


def _rows(survivor: Survivor, round_: int, step: str) -> Iterator[Mapping[str, Any]]:
    for part in survivor.manifest(round_, step).parts:
        yield from pq.read_table(survivor.objects / part.key).to_pylist()


def _within(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("instruction", "sample", "concept", "question_id", "source"))
