"""The queue message. Small JSON: keys and parameters, never the rows themselves."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.types.lifecycle import StepName


class StepTask(BaseModel):
    """One attempt of one shard of one step.

    `inputs` maps the name of what is read to object keys: `examples`, `descriptions`, `concepts`, `candidates`,
    `pairs`, `instructions` and `proposals` to manifests (one a shard), `concept_bank` and `classes` to a JSON object,
    `adapter` to the prefix of an adapter's files, `base` to the manifest of the base's benchmark.
    `teacher` is the model name to generate with; `params` are the job's whole settings (shared.job_settings) as JSON,
    so that a step can read its own part. `traceparent` (W3C) is the span that the step belongs below, where its job is
    traced; it changes nothing of what the step does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step_id: str
    job_id: str
    round: int = Field(ge=0)
    step: StepName
    shard: int = Field(default=0, ge=0)
    shards: int = Field(default=1, ge=1)
    attempt: int = Field(ge=1)
    inputs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    output_prefix: str
    base_model: str
    teacher: str
    seed: int
    params: dict[str, Any] = Field(default_factory=dict)
    lease_s: float = Field(default=15.0, gt=0)
    traceparent: str | None = None

    def message(self) -> dict[str, Any]:
        """As JSON. What is not traced is as a worker of an earlier release knows it."""
        return self.model_dump(mode="json", exclude=set() if self.traceparent else {"traceparent"})

    @property
    def message_id(self) -> str:
        """`{job}-{round}-{step}-{shard}-{attempt}`: the id of the message in the queue."""
        return f"{self.step_id}-{self.attempt}"


def step_id(job_id: str, round_: int, step: StepName, shard: int) -> str:
    return f"{job_id}-{round_}-{step.value}-{shard}"


def adapter_name(job_id: str, round_: int) -> str:
    """The immutable name under which a round's adapter is served."""
    return f"{job_id}-r{round_}"
