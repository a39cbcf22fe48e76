"""What is true about a job at one moment, for `decide`. Pure types; `reading.py` fills them."""

from dataclasses import dataclass
from typing import Literal

from services.api.rounds import NONE_CHOSEN, Chosen, Position
from services.api.sleeping.rule import Use
from shared.errors import ErrorReport
from shared.types.lifecycle import JobStatus, StepStatus

# `known`: waits or was just taken. `gone`: nobody will handle it. `returned`: its handler came to its end.
# `unsure`: the queue did not answer.
MessageTruth = Literal["known", "gone", "returned", "unsure"]
Outcome = Literal["succeeded", "failed", "again", "lost", "cancelled"]


@dataclass(frozen=True)
class AttemptTruth:
    """`expired`: it was started and its lease, plus the margin, is over. `ended_s_ago` is None while it lives."""

    number: int
    started: bool = False
    expired: bool = False
    sends: int = 1
    message: MessageTruth = "known"
    outcome: Outcome | None = None
    error: ErrorReport | None = None
    ended_s_ago: float | None = None


@dataclass(frozen=True)
class ShardTruth:
    """A step row of the job's present position, with its attempts in order. `waits_for`: why it was told to wait."""

    step_id: str
    shard: int
    status: StepStatus
    attempts: tuple[AttemptTruth, ...] = ()
    waits_for: str | None = None

    @property
    def live(self) -> AttemptTruth | None:
        """The attempt that is queued or running."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.outcome is None else None

    @property
    def last(self) -> AttemptTruth | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def failures(self) -> int:
        """Attempts that count against the budget. One that was handed back (`again`) does not."""
        return sum(a.outcome in ("failed", "lost") for a in self.attempts)


@dataclass(frozen=True)
class Truth:
    """The job's row, and the steps of its present position (none before the first).

    `chosen` are the steps that it has by choice. `use` is what the position is to the engine, `hindrance` why
    none of its steps may begin now, `enough` why no round is to follow the present one.
    """

    job_id: str
    version: int
    kind: str
    status: JobStatus
    rounds: int
    position: Position | None = None
    shards: tuple[ShardTruth, ...] = ()
    use: Use | None = None
    hindrance: str | None = None
    enough: str | None = None
    chosen: Chosen = NONE_CHOSEN


@dataclass(frozen=True)
class Policy:
    """What the operator chose."""

    attempts_per_step: int = 4
    retry_delay_s: float = 2.0
    steps_per_job: int = 8
    sends_per_attempt: int = 10
    lease_s: float = 15.0
    lease_margin_s: float = 3.0
