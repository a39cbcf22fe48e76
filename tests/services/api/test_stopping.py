"""Early stopping: the rule, and a job on real servers that ends by it."""

import pytest

from services.api.database.models import Dataset
from services.api.reconcile.decide import Finish, Open, decide
from services.api.reconcile.truth import AttemptTruth, Policy, ShardTruth, Truth
from services.api.rounds import Chosen, Position
from services.api.stopping import reason_to_stop
from shared.types.lifecycle import JobStatus, StepName, StepStatus
from tests.services.api.conftest import Stack


@pytest.mark.parametrize(
    ("validation", "patience", "stops"),
    [
        ({0: 0.1, 1: 0.5}, 1, False),
        ({0: 0.1, 1: 0.5, 2: 0.5}, 1, True),
        ({0: 0.1, 1: 0.5, 2: 0.4}, 2, False),
        ({0: 0.1, 1: 0.5, 2: 0.4, 3: 0.45}, 2, True),
        ({0: 0.1, 1: 0.5, 2: 0.4, 3: 0.6}, 2, False),
        ({0: 0.5, 1: 0.4}, 1, True),
        ({0: None, 1: None, 2: None}, 1, False),
        ({}, 1, False),
    ],
)
def test_rounds_without_a_better_validation_accuracy_end_a_job(
    validation: dict[int, float | None], patience: int, stops: bool
) -> None:
    assert (reason_to_stop(validation, patience) is not None) == stops


def test_the_reason_names_the_best_round_and_its_accuracy() -> None:
    assert "0.500 of round 1 for 2 rounds" in (reason_to_stop({0: 0.1, 1: 0.5, 2: 0.4, 3: 0.45}, 2) or "")
    assert "of the base model for 1 round (" in (reason_to_stop({0: 0.5, 1: 0.4}, 1) or "")


def test_a_round_that_has_begun_is_finished() -> None:
    done = ShardTruth("s", 0, StepStatus.SUCCEEDED, (AttemptTruth(1, outcome="succeeded"),))

    def after(step: StepName, *benchmarked: int) -> object:
        at, chosen = Position(1, step), Chosen(benchmarked=frozenset(benchmarked))
        truth = Truth("j", 1, "tuning", JobStatus.RUNNING, 3, at, (done,), enough="it is enough", chosen=chosen)
        return decide(truth, Policy())

    assert after(StepName.EVALUATE) == Finish("it is enough")
    assert after(StepName.EVALUATE, 1) == Open(Position(1, StepName.BENCHMARK))
    assert after(StepName.BENCHMARK, 1) == Finish("it is enough")
    assert after(StepName.TRAIN) == Open(Position(1, StepName.EVALUATE))


def test_a_job_that_gets_no_better_on_validation_ends_early_and_says_why(stack: Stack, ready: str) -> None:
    """The workers that play report the same validation accuracy each time: no round is better than the base."""
    job = stack.job(ready, rounds=2, settings={"early_stopping": 1})
    stack.play_until(lambda: stack.get(f"/jobs/{job['id']}")["is_terminal"])
    ended = stack.get(f"/jobs/{job['id']}")
    assert (ended["status"], ended["percent"], ended["eta_s"], ended["best_round"]) == ("succeeded", 100.0, None, 0)
    assert [step["status"] for step in ended["rounds"][1]["steps"]] == ["succeeded"] * 5
    assert {step["status"] for step in ended["rounds"][2]["steps"]} == {"pending"}
    last = stack.get(f"/jobs/{job['id']}/events?limit=1000")["items"][-1]
    assert last["kind"] == "job.succeeded"
    assert last["message"].startswith("stopped early after round 1: validation accuracy was not above the 0.500")
    assert stack.worker.take() is None


def test_a_job_that_cannot_know_when_to_stop_is_refused(stack: Stack, ready: str) -> None:
    with stack.parts.database.transaction() as session:
        dataset = session.get_one(Dataset, ready)
        dataset.splits = {**dataset.splits, "validation": 0}
    body = {"dataset": ready, "model": "tiny", "settings": {"early_stopping": 1}}
    problem = stack.client.post("/jobs", json=body).json()
    assert (problem["code"], problem["faults"][0]["field"]) == ("invalid_settings", "settings.early_stopping")
    assert stack.client.post("/jobs", json={**body, "settings": {}}).status_code == 202
