"""A trained round asked for as an export: its job, its facts, its files, and who is refused."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from selfsynth.cli import main
from selfsynth.client import Client
from shared.errors import ErrorReport, InvalidInput
from shared.types.export import ExportJob
from shared.types.lifecycle import StepName
from tests.services.api.conftest import KEY, Stack


@pytest.fixture(scope="module")
def stack(standing: Stack) -> Stack:
    return standing


@pytest.fixture(scope="module")
def done(stack: Stack, known: str) -> Any:
    job = stack.job(known, rounds=2, seed=5)
    return ended(stack, job["id"])


def ended(stack: Stack, job_id: str) -> Any:
    stack.play_until(lambda: stack.get(f"/jobs/{job_id}")["is_terminal"])
    return stack.get(f"/jobs/{job_id}")


def export(stack: Stack, job: Any, **body: Any) -> Any:
    return stack.post(f"/jobs/{job['id']}/export", body)


def test_an_export_is_a_job_that_ends_with_files(stack: Stack, done: Any, tmp_path: Path) -> None:
    made = ended(stack, export(stack, done, form="merged")["id"])
    assert (made["kind"], made["status"], made["percent"]) == ("export", "succeeded", 100.0)
    with Client(stack.url, KEY) as client:
        files = client.download_export(made["id"], tmp_path)
        listing = {entry["name"]: entry for entry in stack.get(f"/jobs/{made['id']}/files")}
    assert [file.name for file in files] == ["README.md", "model.safetensors"]
    body = (tmp_path / "model.safetensors").read_bytes()
    assert len(body) == listing["model.safetensors"]["size_bytes"] == 16_000_000
    assert hashlib.sha256(body).hexdigest() == listing["model.safetensors"]["sha256"]


def test_files_that_are_whole_are_not_fetched_again_and_others_are(stack: Stack, done: Any, tmp_path: Path) -> None:
    made = ended(stack, export(stack, done, form="merged")["id"])
    with Client(stack.url, KEY) as client:
        client.download_export(made["id"], tmp_path)
        before = (tmp_path / "model.safetensors").stat().st_mtime_ns
        (tmp_path / "README.md").write_text("torn")
        client.download_export(made["id"], tmp_path)
        assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before
        assert (tmp_path / "README.md").read_text() == "# a card"
        assert not list(tmp_path.glob("*.partial"))
        (tmp_path / "adapter_config.json").write_text("another model's")
        with pytest.raises(InvalidInput, match=r"holds what is not of exp_\w+: adapter_config.json"):
            client.download_export(made["id"], tmp_path)


def test_the_same_wish_is_the_same_export_also_at_once(stack: Stack, done: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: export(stack, done, round=2, form="adapter")["id"], range(8)))
    assert len(made) == 1
    assert export(stack, done, round=1)["id"] not in made
    assert export(stack, done, round=2, license="mit")["id"] not in made
    listed = [entry["id"] for entry in stack.get(f"/jobs/{done['id']}/exports")]
    assert made < set(listed)
    assert listed == sorted(listed, reverse=True)


def test_a_cancelled_export_does_not_stand_in_the_way_of_another(stack: Stack, done: Any) -> None:
    first = export(stack, done, round=1, dtype="float32")
    stack.post(f"/jobs/{first['id']}/cancel", {})
    assert ended(stack, first["id"])["status"] == "cancelled"
    assert export(stack, done, round=1, dtype="float32")["id"] != first["id"]


def test_no_round_named_is_the_best_on_validation(stack: Stack, done: Any) -> None:
    """Both rounds are equal there: the earlier one."""
    made = export(stack, done)
    task = next_export(stack, made["id"])
    job = ExportJob.model_validate(task.params)
    assert job.wish.round == 1
    assert task.inputs["adapter"] == (job.prefix,)
    assert job.prefix.startswith(f"jobs/{done['id']}/r1/train/")


def next_export(stack: Stack, export_id: str) -> Any:
    ended(stack, export_id)
    return next(task for task in stack.worker.played if task.job_id == export_id)


def test_the_facts_for_the_card_are_those_of_the_rows(stack: Stack, done: Any) -> None:
    job = ExportJob.model_validate(next_export(stack, export(stack, done, round=2, license="apache-2.0")["id"]).params)
    assert (job.wish.license, job.method, job.seed, job.base_model) == ("apache-2.0", "default", 5, "tiny")
    assert [entry.adapter for entry in job.rounds] == [None, f"{done['id']}-r1", f"{done['id']}-r2"]
    assert job.rounds[2].figures["accuracy"] == 0.75
    assert job.sha256 == job.rounds[2].sha256
    assert job.settings == done["settings"]
    assert job.dataset.name == "birds"
    assert sum(job.dataset.splits.values()) > 0


@pytest.mark.parametrize("body", [{"round": 3}, {"round": 1000}])
def test_a_round_that_is_not_trained_is_refused(stack: Stack, done: Any, body: Any) -> None:
    answer = stack.client.post(f"/jobs/{done['id']}/export", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_exportable")
    assert f"round {body['round']}" in answer.json()["detail"]
    assert "; there are: " in answer.json()["detail"]
    assert answer.json()["remedy"] == "Name a round that is there, or none for the best of them."


@pytest.mark.parametrize(
    "body", [{"round": 0}, {"round": "1"}, {"form": "gguf"}, {"license": "a\nb: c"}, {"extra": 1}, {"dtype": "int8"}]
)
def test_a_wish_of_the_wrong_kind_is_refused(stack: Stack, done: Any, body: Any) -> None:
    assert stack.client.post(f"/jobs/{done['id']}/export", json=body).status_code == 422


def test_a_round_counts_once_it_is_measured_or_its_job_is_over(stack: Stack, known: str) -> None:
    job = stack.job(known, rounds=1)
    stack.play_until(lambda: bool(stack.get(f"/jobs/{job['id']}")["rounds"][1]["adapter"]))
    answer = stack.client.post(f"/jobs/{job['id']}/export", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_exportable")
    assert answer.json()["remedy"].startswith("Wait for it")
    ended(stack, job["id"])
    assert export(stack, job)["kind"] == "export"


def test_what_trains_nothing_cannot_be_exported(stack: Stack, done: Any) -> None:
    made = export(stack, done)
    answer = stack.client.post(f"/jobs/{made['id']}/export", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_exportable")
    assert stack.client.post("/jobs/job_x/export", json={}).status_code == 404


def test_a_job_without_exported_files_says_so(stack: Stack, done: Any) -> None:
    for path in (f"/jobs/{done['id']}/files", f"/jobs/{done['id']}/files/README.md"):
        assert stack.client.get(path).json()["code"] == "not_found"
    made = ended(stack, export(stack, done)["id"])
    assert stack.client.get(f"/jobs/{made['id']}/files/..%2Fx").status_code == 404
    assert stack.client.get(f"/jobs/{made['id']}/files/nothing").json()["code"] == "not_found"


def test_exports_are_no_jobs_of_the_list(stack: Stack, done: Any) -> None:
    export(stack, done)
    assert {job["kind"] for job in stack.get("/jobs?limit=1000")["items"]} == {"tuning"}


def test_an_export_reads_the_adapter_and_has_one_shard(stack: Stack, done: Any) -> None:
    task = next_export(stack, export(stack, done)["id"])
    assert (task.step, task.round, task.shards, task.base_model) == (StepName.EXPORT, 0, 1, "tiny")


def test_the_command_waits_and_takes_the_files_home(
    stack: Stack, done: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(stack, export(stack, done, round=2, form="merged")["id"])
    wish = ("--round", "2", "--form", "merged", "--out", str(tmp_path / "out"))
    with pytest.raises(SystemExit) as finished:
        main(("jobs", "export", done["id"], *wish, "--url", stack.url, "--key", KEY))
    assert finished.value.code == 0
    assert "2 files" in capsys.readouterr().out
    assert (tmp_path / "out" / "model.safetensors").stat().st_size == 16_000_000


def test_a_failed_export_tells_why_and_another_may_be_asked_for(stack: Stack, known: str) -> None:
    job = ended(stack, stack.job(known, rounds=1)["id"])
    made = export(stack, job, form="merged")
    with stack.worker.call(stack.next_task()) as coordinator:
        coordinator.started()
        why = ErrorReport(code="cannot_merge", message="the base is quantised", remedy="Do this.", fault="user")
        coordinator.failed(why)
    failed = ended(stack, made["id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "cannot_merge")
    assert failed["error"]["message"] == "the export failed: the base is quantised"
    assert export(stack, job, form="merged")["id"] != made["id"]
