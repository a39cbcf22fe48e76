"""A job from POST to its end, with workers that play every step, and what it leaves to take home."""

import io
import json
import tarfile
from typing import Any

import pyarrow.parquet as pq
import pytest

from shared.types.lifecycle import StepName
from tests.services.api.conftest import Stack


@pytest.fixture(scope="module")
def stack(standing: Stack) -> Stack:
    return standing


@pytest.fixture(scope="module")
def done(stack: Stack, known: str) -> Any:
    """A finished job of two rounds whose steps were cut into two shards."""
    job = stack.job(known, rounds=2, settings={"shards": 2}, metadata={"team": "x"})
    stack.play_until(lambda: stack.get(f"/jobs/{job['id']}")["is_terminal"])
    return stack.get(f"/jobs/{job['id']}")


def test_a_job_goes_through_all_rounds_in_order(stack: Stack, done: Any) -> None:
    assert (done["status"], done["percent"], done["error"], done["eta_s"]) == ("succeeded", 100.0, None, None)
    played = [(t.round, t.step.value) for t in stack.worker.played if t.job_id == done["id"] and t.shard == 0]
    first = [(1, s) for s in ("describe", "select_concepts", "synthesise", "train", "evaluate")]
    second = [(2, s) for s in ("answer", "select_answers", "train", "evaluate")]
    assert played == [(0, "evaluate"), *first, *second]
    assert [step["shards"] for step in done["rounds"][1]["steps"]] == [2, 1, 2, 1, 2]
    assert [step["shards"] for step in done["rounds"][2]["steps"]] == [2, 2, 1, 2]


def test_a_job_that_refreshes_has_the_entering_model_describe_and_concepts_chosen_anew(
    stack: Stack, known: str
) -> None:
    job = stack.job(known, rounds=2, settings={"select_concepts": {"refresh": True}})["id"]
    stack.play_until(lambda: stack.get(f"/jobs/{job}")["is_terminal"])
    ended = stack.get(f"/jobs/{job}")
    assert (ended["status"], ended["percent"]) == ("succeeded", 100.0)
    steps = [step["step"] for step in ended["rounds"][2]["steps"]]
    assert steps == ["describe", "select_concepts", "answer", "select_answers", "train", "evaluate"]
    tasks = {(t.round, t.step): t for t in stack.worker.played if t.job_id == job}
    assert tasks[2, StepName.DESCRIBE].teacher == f"{job}-r1"
    assert tasks[2, StepName.SELECT_CONCEPTS].inputs["descriptions"][0].startswith(f"jobs/{job}/r2/describe/")
    for step in (StepName.ANSWER, StepName.SELECT_ANSWERS):
        assert tasks[2, step].inputs["concepts"][0].startswith(f"jobs/{job}/r2/select_concepts/")


def test_figures_are_summed_over_shards(done: Any) -> None:
    figures = [r["figures"] for r in done["rounds"]]
    assert [f["accuracy"] for f in figures] == [0.75, 0.75, 0.75]
    assert [f["pairs"] for f in figures] == [None, 32, 36]
    low, high = figures[1]["accuracy_ci"]
    assert low == pytest.approx(0.4093, abs=1e-4)  # Wilson, 6 of 8
    assert high == pytest.approx(0.9285, abs=1e-4)
    assert done["figures"]["best_round"] == 0
    assert done["metadata"] == {"team": "x"}


def test_each_step_reads_what_the_steps_before_it_left(stack: Stack, done: Any) -> None:
    tasks = {
        (t.round, t.step): t for t in stack.worker.played if t.job_id == done["id"] and (t.shard == 1 or t.shards == 1)
    }
    job = done["id"]
    assert len(tasks[1, StepName.SELECT_CONCEPTS].inputs["descriptions"]) == 2
    assert "adapter" not in tasks[1, StepName.TRAIN].inputs
    assert tasks[2, StepName.TRAIN].inputs["adapter"][0].startswith(f"jobs/{job}/r1/train/s0/")
    assert tasks[2, StepName.ANSWER].teacher == f"{job}-r1"
    assert tasks[2, StepName.EVALUATE].teacher == f"{job}-r2"
    assert tasks[1, StepName.DESCRIBE].teacher == "tiny"


def test_the_pointer_by_which_an_engine_finds_the_adapter_is_there(stack: Stack, done: Any) -> None:
    name = done["rounds"][1]["adapter"]
    pointer = json.loads(stack.parts.store.get(f"adapters/{name}.json"))
    assert pointer["name"] == name == f"{done['id']}-r1"
    assert pointer["base_model"] == "tiny"
    assert stack.parts.store.list(pointer["prefix"])


def test_the_adapter_comes_as_a_tar_of_its_files(stack: Stack, done: Any) -> None:
    packed = stack.client.get(f"/jobs/{done['id']}/rounds/1/adapter").content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = {member.name.split("/")[-1]: tar.extractfile(member) for member in tar}
    assert sorted(files) == ["adapter_config.json", "adapter_model.safetensors"]
    config = files["adapter_config.json"]
    assert config is not None
    missing = stack.client.get(f"/jobs/{done['id']}/rounds/0/adapter")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_artefacts_come_as_parquet_parts_over_all_shards(stack: Stack, done: Any) -> None:
    listing = stack.get(f"/jobs/{done['id']}/rounds/1/steps/describe/artefact")
    assert (listing["record"], listing["rows"], len(listing["parts"])) == ("Description", 2, 2)
    body = stack.client.get(listing["parts"][1]["href"]).content
    assert pq.read_table(io.BytesIO(body)).to_pylist()[0]["text"] == "describe"
    assert stack.client.get(f"/jobs/{done['id']}/rounds/1/steps/answer/artefact").status_code == 404


def test_events_tell_the_story_in_order_and_by_cursor(stack: Stack, done: Any) -> None:
    path = f"/jobs/{done['id']}/events"
    events = stack.get(f"{path}?limit=1000")["items"]
    kinds = [e["kind"] for e in events]
    assert kinds[:3] == ["job.queued", "job.running", "step.queued"]
    assert kinds[-1] == "job.succeeded"
    assert next(e["worker"] for e in events if e["kind"] == "step.started") == "fake"
    first = stack.get(f"{path}?limit=3")
    second = stack.get(f"{path}?limit=1000&after={first['next']}")
    assert [e["id"] for e in first["items"] + second["items"]] == [e["id"] for e in events]
    assert stack.client.get(f"{path}?after=x").status_code == 422
