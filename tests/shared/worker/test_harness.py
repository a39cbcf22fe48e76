from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.artefacts import ManifestRef
from shared.errors import InvalidInput, StepInterrupted
from shared.settings import WorkerSettings
from shared.worker.context import StepContext
from shared.worker.harness import run_task
from tests.shared.tasks import a_task
from tests.shared.worker.coordinator_stub import CoordinatorStub, running_stub

DONE = ManifestRef(key="k", sha256="0" * 64)


@pytest.fixture
def coordinator() -> Iterator[CoordinatorStub]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def settings(coordinator: CoordinatorStub, tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(
        store_url=f"file://{tmp_path}",
        redis_url=SecretStr("redis://nowhere"),
        coordinator_url=coordinator.url,
        worker_token=SecretStr("secret"),
        worker_name="w1",
    )


def message(lease_s: float = 5.0) -> dict[str, object]:
    return a_task(lease_s=lease_s).model_dump(mode="json")


def test_a_step_that_returns_is_reported_with_its_manifest(
    coordinator: CoordinatorStub, settings: WorkerSettings
) -> None:
    run_task(message(), lambda context: DONE, settings)
    assert coordinator.verbs() == ["started", "ended"]
    ended = coordinator.body("ended")
    assert (ended["outcome"], ended["manifest"]["key"], ended["attempt"], ended["worker"]) == (
        "succeeded",
        "k",
        1,
        "w1",
    )
    assert ended["authorization"] == "Bearer secret"


def test_an_error_of_ours_is_reported_as_it_is(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    def work(context: StepContext) -> ManifestRef:
        raise InvalidInput("the bank of 'wren' is empty", remedy="Add a concept.")

    run_task(message(), work, settings)
    error = coordinator.body("ended")["error"]
    assert error == {
        "code": "invalid_input",
        "message": "the bank of 'wren' is empty",
        "remedy": "Add a concept.",
        "fault": "user",
    }


def test_any_other_error_is_the_systems_fault_and_named(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    run_task(message(), lambda context: [][0], settings)
    error = coordinator.body("ended")["error"]
    assert error["fault"] == "system"
    assert "IndexError" in error["message"]


def test_an_object_that_is_gone_is_the_systems_fault(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    run_task(message(), lambda context: context.store.get("images/1.png"), settings)  # type: ignore[arg-type,return-value]
    error = coordinator.body("ended")["error"]
    assert (error["fault"], error["code"]) == ("system", "object_missing")
    assert "images/1.png" in error["message"]


def test_a_stale_attempt_does_no_work(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    coordinator.answers["started"] = [409]
    run_task(message(), lambda context: pytest.fail("worked"), settings)
    assert coordinator.verbs() == ["started"]


def test_a_step_whose_lease_is_refused_stops_and_reports_nothing(
    coordinator: CoordinatorStub, settings: WorkerSettings
) -> None:
    coordinator.answers["heartbeat"] = [200, 409]

    def work(context: StepContext) -> ManifestRef:
        while True:
            context.check()

    run_task(message(lease_s=0.3), work, settings)
    assert coordinator.verbs() == ["started"]


def test_an_interrupted_step_is_handed_back(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    def work(context: StepContext) -> ManifestRef:
        raise StepInterrupted

    run_task(message(), work, settings)
    assert coordinator.body("ended")["outcome"] == "again"


def test_a_coordinator_that_restarts_is_told_the_end_when_it_is_back(
    coordinator: CoordinatorStub, settings: WorkerSettings
) -> None:
    coordinator.answers["ended"] = [503, 503]
    run_task(message(), lambda context: DONE, settings)
    assert coordinator.verbs() == ["started", "ended", "ended", "ended"]


def test_words_that_are_lost_never_block_work(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    coordinator.answers["told"] = [200, 500, 409]

    def work(context: StepContext) -> ManifestRef:
        for _ in range(3):
            context.tell("half as many pairs")
        return DONE

    run_task(message(), work, settings)
    assert coordinator.verbs() == ["started", "told", "told", "told", "ended"]
    assert coordinator.body("told")["message"] == "half as many pairs"


def test_a_lost_progress_push_never_blocks_work(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    coordinator.answers["progress"] = [500]

    def work(context: StepContext) -> ManifestRef:
        context.progress(1, 2, {"loss": 0.5})
        return DONE

    run_task(message(), work, settings)
    assert coordinator.verbs() == ["started", "progress", "ended"]
    assert coordinator.body("progress")["metrics"] == {"loss": 0.5}


@pytest.mark.parametrize(
    "later",
    [{"a_field_of_tomorrow": 1}, {"step": "a_step_of_tomorrow"}, {"params": {"train": {"a_setting_of_tomorrow": 1}}}],
    ids=["field", "step", "setting"],
)
def test_a_step_of_a_later_release_is_handed_back_and_costs_no_attempt(
    coordinator: CoordinatorStub, settings: WorkerSettings, later: dict[str, object]
) -> None:
    def work(context: StepContext) -> ManifestRef:
        pytest.fail(f"worked with {context.settings}")

    run_task({**message(lease_s=0.3), **later}, work, settings)
    assert coordinator.verbs() == ["started", "told", "ended"]
    assert coordinator.body("ended")["outcome"] == "again"
    assert coordinator.body("ended")["attempt"] == 1


def test_a_step_that_no_worker_knows_fails_in_the_end(coordinator: CoordinatorStub, settings: WorkerSettings) -> None:
    run_task({**message(), "attempt": 201, "a_field_of_tomorrow": 1}, lambda context: DONE, settings)
    ended = coordinator.body("ended")
    assert (ended["outcome"], ended["error"]["fault"]) == ("failed", "system")
    assert "a_field_of_tomorrow" in ended["error"]["message"]
