"""Makes the job that exports a round. What can be known to fail is refused here; reconcile moves the job.

All that the model card tells is taken now, from the rows: the same wish is answered by the same export.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.database.models import Adapter, Dataset, Job
from services.api.events import tell_job
from services.api.ids import new_id
from services.api.job_reading import view_of
from services.api.named import job_named
from services.api.problems import Problem
from services.api.views.figures import best_round
from services.api.views.jobs import JobView, RoundView
from services.api.wiring import Parts
from shared.types.export import DatasetFacts, Dtype, ExportJob, ExportWish, Form, RoundFacts
from shared.types.lifecycle import JobStatus, StepName, StepStatus

_OVER = (JobStatus.FAILED.value, JobStatus.CANCELLED.value)


class ExportRequest(BaseModel):
    """`round`: None for the best on the validation split, or the last where there is none. `dtype`: of merged weights,
    the base's own or float32. `license` goes into the model card."""

    model_config = ConfigDict(extra="forbid")

    round: int | None = Field(None, ge=1, le=1000, strict=True)
    form: Form = "adapter"
    dtype: Dtype = "base"
    license: str | None = Field(None, min_length=1, max_length=100, pattern=r"^[\w.+ -]+$")


def ask_export(parts: Parts, job_id: str, request: ExportRequest) -> str:
    """The id of the export's job: a new one, unless one for the same wish lives or is done.

    Raises NotFound, or Problem when the round is not trained and measured.
    """
    with parts.database.transaction() as session:
        # Locked, so that of two equal requests the second finds what the first made.
        job = job_named(session, job_id, lock=True)
        if job.kind != "tuning":
            raise Problem("not_exportable", f"{job_id} trains no model", remedy="Name a job that tunes one.")
        view = view_of(session, job)
        round_ = _round(view, request.round)
        wish = ExportWish(job=job_id, round=round_, **request.model_dump(exclude={"round"}))
        if known := _known(session, wish):
            return known
        export = _row(job, _params(session, job, view, wish))
        session.add(export)
        session.flush()
        tell_job(session, export, "job.queued", f"round {round_} of {job_id} was asked for, {wish.form}")
        return export.id


def exports_of(session: Session, job_id: str) -> list[Job]:
    """Newest first."""
    of_job = Job.settings.contains({"wish": {"job": job_id}})
    return list(session.scalars(select(Job).where(Job.kind == "export", of_job).order_by(Job.id.desc())))


def _known(session: Session, wish: ExportWish) -> str | None:
    same = Job.settings.contains({"wish": wish.model_dump(mode="json")})
    alive = Job.status.not_in((*_OVER, JobStatus.CANCELLING.value))
    return session.scalars(select(Job.id).where(Job.kind == "export", same, alive).order_by(Job.id)).first()


def _round(view: JobView, wanted: int | None) -> int:
    """A round counts once it is measured; of a job that is over also one that was trained only."""
    ready = {entry.round: entry for entry in view.rounds if entry.adapter and (view.is_terminal or _measured(entry))}
    if wanted is None and ready:
        return best_round({number: entry.figures for number, entry in ready.items()}) or max(ready)
    if wanted in ready:
        return int(wanted)
    raise _not_ready(view, wanted, sorted(ready))


def _not_ready(view: JobView, wanted: int | None, ready: Sequence[int]) -> Problem:
    which = f"round {wanted}" if wanted else "no round"
    what = f"{which} of {view.id}, a job of {view.rounds_total} rounds,"
    there = f"; there are: {', '.join(map(str, ready))}" if ready else ""
    to_come = not view.is_terminal and (wanted or 1) <= view.rounds_total
    remedies = ["Wait for it; GET /jobs/{id} tells what is done."] if to_come else []
    if ready:
        remedies.append("Name a round that is there, or none for the best of them.")
    return Problem(
        "not_exportable",
        f"{what} is {'not ' if wanted else ''}trained and measured{there}",
        remedy=" ".join(remedies) or "The job is over: start another one.",
    )


def _measured(entry: RoundView) -> bool:
    return any(s.step == StepName.EVALUATE and s.status == StepStatus.SUCCEEDED for s in entry.steps)


def _params(session: Session, job: Job, view: JobView, wish: ExportWish) -> ExportJob:
    rows = {row.round: row for row in session.scalars(select(Adapter).where(Adapter.job_id == job.id))}
    return ExportJob(
        wish=wish,
        base_model=job.model,
        prefix=rows[wish.round].prefix,
        sha256=rows[wish.round].sha256,
        method=job.method,
        seed=job.seed,
        settings=job.settings,
        dataset=_dataset(session.get_one(Dataset, job.dataset_id)),
        concept_bank_version=job.concept_bank_version,
        rounds=tuple(_facts(entry, rows.get(entry.round)) for entry in view.rounds),
    )


def _facts(entry: RoundView, adapter: Adapter | None) -> RoundFacts:
    return RoundFacts(
        round=entry.round,
        adapter=adapter.name if adapter else None,
        sha256=adapter.sha256 if adapter else None,
        figures=entry.figures.model_dump(mode="json"),
    )


def _dataset(row: Dataset) -> DatasetFacts:
    return DatasetFacts(
        id=row.id,
        name=row.name,
        noun=row.domain.get("noun", "object"),
        classes=tuple(row.classes),
        splits=row.splits,
        layout=row.layout,
    )


def _row(job: Job, params: ExportJob) -> Job:
    return Job(
        id=new_id("exp"),
        kind="export",
        status=JobStatus.QUEUED,
        dataset_id=job.dataset_id,
        concept_bank_version=job.concept_bank_version,
        model=job.model,
        rounds=0,
        method=job.method,
        seed=job.seed,
        settings=params.model_dump(mode="json"),
        labels={},
        warnings=[],
    )
