"""From what is true to the one next thing. Pure: reads nothing, writes nothing."""

from dataclasses import dataclass
from typing import Literal

from services.api.reconcile.truth import AttemptTruth, Policy, ShardTruth, Truth
from services.api.rounds import Position, following
from shared.errors import ErrorReport
from shared.types.lifecycle import JobStatus, StepStatus


@dataclass(frozen=True)
class Open:
    """Make the rows of the next step."""

    position: Position


@dataclass(frozen=True)
class Enqueue:
    """Begin attempt `number` of a pending shard."""

    step_id: str
    number: int


@dataclass(frozen=True)
class Resend:
    """The queue lost the message of a queued attempt."""

    step_id: str
    number: int


@dataclass(frozen=True)
class EndAttempt:
    """A live attempt that nobody works on any more is over. `by_lease`: only if its lease is over at that moment."""

    step_id: str
    number: int
    outcome: Literal["lost", "cancelled"]
    why: str
    by_lease: bool = False


@dataclass(frozen=True)
class Fail:
    step_id: str
    error: ErrorReport


@dataclass(frozen=True)
class Finish:
    why: str = "all steps are done"


@dataclass(frozen=True)
class Cancelled:
    pass


@dataclass(frozen=True)
class Wait:
    """A shard could begin, but not now. Tells why, once for every reason."""

    step_id: str
    why: str


Move = Open | Enqueue | Resend | EndAttempt | Fail | Finish | Cancelled | Wait


def decide(truth: Truth, policy: Policy) -> Move | None:
    """The next move, or None when there is only waiting to do."""
    if truth.status.is_terminal:
        return None
    if truth.status is JobStatus.CANCELLING:
        return _cancel(truth)
    for shard in truth.shards:
        if move := _mend(truth, shard, policy):
            return move
    if all(shard.status is StepStatus.SUCCEEDED for shard in truth.shards):
        return _advance(truth)
    return _enqueue(truth, policy)


def _advance(truth: Truth) -> Open | Finish:
    after = following(truth.position, truth.rounds, truth.kind, truth.chosen)
    if after is None:
        return Finish()
    begins_round = truth.position is not None and after.round > truth.position.round
    return Finish(truth.enough) if begins_round and truth.enough else Open(after)


def _mend(truth: Truth, shard: ShardTruth, policy: Policy) -> Move | None:
    """What a shard needs that does not go its normal way."""
    if shard.live:
        return _mend_live(shard, shard.live, policy)
    last = shard.last
    if shard.status is not StepStatus.PENDING or last is None:
        return None
    if last.error and (last.error.fault == "user" or shard.failures >= policy.attempts_per_step):
        return Fail(shard.step_id, _final_error(truth, shard, last.error))
    return None


def _mend_live(shard: ShardTruth, attempt: AttemptTruth, policy: Policy) -> Move | None:
    if not attempt.started:
        if attempt.message in ("known", "unsure"):
            return None
        if attempt.sends < policy.sends_per_attempt:
            return Resend(shard.step_id, attempt.number)
        return EndAttempt(
            shard.step_id, attempt.number, "lost", f"sent {attempt.sends} times, but no worker could start it"
        )
    if attempt.expired:
        return EndAttempt(shard.step_id, attempt.number, "lost", "its worker has not renewed the lease", by_lease=True)
    if attempt.message == "returned":
        return EndAttempt(shard.step_id, attempt.number, "lost", "its worker ended without saying how")
    return None


def _enqueue(truth: Truth, policy: Policy) -> Move | None:
    if sum(shard.live is not None for shard in truth.shards) >= policy.steps_per_job:
        return None
    for shard in truth.shards:
        if shard.status is StepStatus.PENDING and _rested(shard, policy):
            return _begin(shard, truth.hindrance)
    return None


def _begin(shard: ShardTruth, hindrance: str | None) -> Move | None:
    if hindrance is None:
        return Enqueue(shard.step_id, shard.last.number + 1 if shard.last else 1)
    return None if shard.waits_for == hindrance else Wait(shard.step_id, hindrance)


def _rested(shard: ShardTruth, policy: Policy) -> bool:
    """A failed attempt is followed after a pause that doubles; a lost one at once, since it has waited its lease."""
    last = shard.last
    if last is None or last.outcome != "failed":
        return True
    pause_s: float = policy.retry_delay_s * 2 ** (shard.failures - 1)
    return (last.ended_s_ago or 0.0) >= pause_s


def _cancel(truth: Truth) -> Move | None:
    """Attempts that were not started end at once; a running one when its worker is known to have ended. While one
    still runs the job waits."""
    for shard in truth.shards:
        attempt = shard.live
        if attempt and (not attempt.started or attempt.expired or attempt.message == "returned"):
            return EndAttempt(
                shard.step_id, attempt.number, "cancelled", "the job is being cancelled", by_lease=attempt.expired
            )
    return None if any(shard.live for shard in truth.shards) else Cancelled()


def _final_error(truth: Truth, shard: ShardTruth, error: ErrorReport) -> ErrorReport:
    at = truth.position
    where = f"{at.step.value} of round {at.round}" if at else shard.step_id
    if truth.kind in ("ingest", "export"):
        where = "validation" if truth.kind == "ingest" else "the export"
    tries = f" in {shard.failures} attempts, at last" if error.fault == "system" and shard.failures > 1 else ""
    return error.model_copy(update={"message": f"{where} failed{tries}: {error.message}"})
