"""Time left."""

from services.api.views.eta import eta_s
from services.api.views.steps import StepView


def step(name: str, status: str = "pending", seconds: float | None = None, percent: float = 0) -> StepView:
    return StepView(step=name, status=status, seconds=seconds, percent=percent)


def test_nothing_is_told_before_there_is_something_to_go_by() -> None:
    assert eta_s([step("describe", "running", 3.0, 1.0), step("train")]) is None


def test_a_running_step_counts_by_its_percent() -> None:
    assert eta_s([step("describe", "running", 30.0, 25.0)]) == 90.0


def test_a_step_to_come_lasts_as_long_as_the_last_of_its_name() -> None:
    done = [step("train", "succeeded", 100.0, 100), step("evaluate", "succeeded", 10.0, 100)]
    assert eta_s([*done, step("train"), step("evaluate")]) == 110.0


def test_a_step_of_an_unknown_length_counts_as_the_mean() -> None:
    done = [step("describe", "succeeded", 10.0, 100), step("train", "succeeded", 30.0, 100)]
    assert eta_s([*done, step("answer")]) == 20.0


def test_a_step_that_takes_longer_than_the_last_one_never_counts_below_zero() -> None:
    assert eta_s([step("train", "succeeded", 10.0, 100), step("train", "running", 15.0, 1.0)]) == 0.0
