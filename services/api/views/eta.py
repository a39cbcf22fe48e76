"""How long a job will still take, by how long its steps have taken so far. Pure."""

from collections.abc import Sequence
from statistics import mean

from services.api.views.steps import StepView
from shared.types.lifecycle import StepStatus

_TRUSTED_PERCENT = 5.0


def eta_s(steps: Sequence[StepView]) -> float | None:
    """Seconds, or None while there is nothing to go by.

    A step yet to come takes as long as the last of its name did, or as the mean of those that are done; a running one
    as its percent says.
    """
    lasted = {step.step: step.seconds for step in steps if step.status == StepStatus.SUCCEEDED and step.seconds}
    running = {step.step: length for step in steps if (length := _length_of_running(step))}
    known = {**lasted, **running}
    if not known:
        return None
    typical = mean(known.values())
    left = (_left_s(step, known.get(step.step, typical)) for step in steps)
    return round(sum(left), 1)


def _length_of_running(step: StepView) -> float | None:
    if step.status != StepStatus.RUNNING or not step.seconds or step.percent < _TRUSTED_PERCENT:
        return None
    return step.seconds * 100 / step.percent


def _left_s(step: StepView, length_s: float) -> float:
    if step.status == StepStatus.SUCCEEDED:
        return 0.0
    if step.status == StepStatus.RUNNING:
        return max(length_s - (step.seconds or 0.0), 0.0)
    return length_s
