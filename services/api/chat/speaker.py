"""Which model speaks: a round's adapter by the name under which it is served, or the base. Reads rows only."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.database.models import Adapter
from services.api.job_reading import view_of
from services.api.named import job_named
from shared.errors import InvalidInput, NotFound


@dataclass(frozen=True)
class Speaker:
    round: int
    model: str


def speaker(session: Session, job_id: str, round_: int | None) -> Speaker:
    """None for the best round on the validation split, or the last that is trained. Raises NotFound, or InvalidInput
    for a job that trains no model."""
    job = job_named(session, job_id)
    if job.kind != "tuning":
        raise InvalidInput(f"{job_id} trains no model to chat with", remedy="Name a job that tunes one.")
    adapters = {row.round: row.name for row in session.scalars(select(Adapter).where(Adapter.job_id == job_id))}
    if round_ is None:
        best = view_of(session, job).best_round
        round_ = max(adapters, default=0) if best is None else best
    if round_ == 0:
        return Speaker(0, job.model)
    if round_ not in adapters:
        there = ", ".join(map(str, sorted(adapters))) or "none yet"
        raise NotFound(
            f"round {round_} of {job_id} is not trained", remedy=f"Trained are: {there}; round 0 is the base model."
        )
    return Speaker(round_, adapters[round_])
