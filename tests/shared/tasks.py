"""Hand-built messages for tests."""

from typing import Any

from shared.types.lifecycle import StepName
from shared.types.tasks import StepTask, step_id


def a_task(**changes: Any) -> StepTask:
    facts: dict[str, Any] = {
        "step_id": step_id("job_1", 1, StepName.DESCRIBE, 0),
        "job_id": "job_1",
        "round": 1,
        "step": StepName.DESCRIBE,
        "attempt": 1,
        "output_prefix": "jobs/job_1/r1/describe/s0",
        "base_model": "base",
        "teacher": "base",
        "seed": 7,
    }
    return StepTask.model_validate(facts | changes)
