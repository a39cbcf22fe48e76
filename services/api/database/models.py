"""The tables (docs/architecture.md, "Tables"). Rows only: no behaviour beyond what a row says about itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, MetaData, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.observing import tracing

Json = dict[str, Any]

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this name
        datetime: DateTime(timezone=True),
        Json: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        list[Json]: JSONB(none_as_null=True),
    }


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.clock_timestamp())


class Dataset(Base):
    """`source` is the request: where to read, and what to do with broken images. `examples` is a manifest's key.
    `class_names` holds each class's raw name and aliases (ClassName), `domain` what the images show (Domain)."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str]
    source: Mapped[Json]
    layout: Mapped[str | None]
    classes: Mapped[list[str]] = mapped_column(default=list)
    class_names: Mapped[list[Json]] = mapped_column(default=list)
    domain: Mapped[Json] = mapped_column(default=dict)
    splits: Mapped[Json] = mapped_column(default=dict)
    report: Mapped[Json] = mapped_column(default=dict)
    examples: Mapped[str | None]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class ConceptBankRow(Base):
    """Immutable: a change is a new version. `made` tells how: the source, what it cost, what was taken out."""

    __tablename__ = "concept_banks"
    __table_args__ = (UniqueConstraint("dataset_id", "version"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    version: Mapped[int]
    key: Mapped[str]
    counts: Mapped[Json]
    made: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[datetime] = _now()


class Job(Base):
    """`kind` is `tuning` (what users post) or one of `rounds.ONE_OFF`. Every change of the job or
    its steps raises `version`; a decision made on an older version is thrown away. `traceparent` is the request's that
    made it, where that was traced."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "kind", "id"), Index(None, "status"))

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    version: Mapped[int] = mapped_column(default=0)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    concept_bank: Mapped[str | None]
    concept_bank_version: Mapped[int | None]
    model: Mapped[str]
    rounds: Mapped[int]
    method: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[Json]
    labels: Mapped[Json] = mapped_column("metadata", default=dict)
    warnings: Mapped[list[str]] = mapped_column(default=list)
    round: Mapped[int | None]
    step: Mapped[str | None]
    error: Mapped[Json | None]
    traceparent: Mapped[str | None] = mapped_column(default=tracing.traceparent)
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Step(Base):
    """One shard of one step of one round. `waits_for` tells why it was not begun, though it could."""

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("job_id", "round", "step", "shard"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    round: Mapped[int]
    step: Mapped[str]
    shard: Mapped[int]
    shards: Mapped[int]
    status: Mapped[str]
    waits_for: Mapped[str | None]
    error: Mapped[Json | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Attempt(Base):
    """One try at a step. `outcome` is None while it lives: then succeeded, failed, again, lost or cancelled.
    `sends` counts how often its message was put into the queue."""

    __tablename__ = "attempts"

    step_id: Mapped[str] = mapped_column(ForeignKey("steps.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    sends: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str | None]
    error: Mapped[Json | None]
    queued_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Artefact(Base):
    """What a step left, once accepted: one a step, by its manifest's key and hash."""

    __tablename__ = "artefacts"

    step_id: Mapped[str] = mapped_column(ForeignKey("steps.id"), primary_key=True)
    attempt: Mapped[int]
    key: Mapped[str]
    sha256: Mapped[str]
    rows: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[Json]
    created_at: Mapped[datetime] = _now()


class Adapter(Base):
    """A round's trained weights under their immutable name."""

    __tablename__ = "adapters"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = _now()


class Progress(Base):
    """The last push of a running step. It may be lost or late; nothing depends on it."""

    __tablename__ = "progress"

    step_id: Mapped[str] = mapped_column(ForeignKey("steps.id"), primary_key=True)
    attempt: Mapped[int]
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    metrics: Mapped[Json]
    updated_at: Mapped[datetime] = _now()


class Event(Base):
    """Append-only: what happened to a job, in order of its id."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    at: Mapped[datetime] = _now()
    kind: Mapped[str]
    round: Mapped[int | None]
    step: Mapped[str | None]
    shard: Mapped[int | None]
    attempt: Mapped[int | None]
    worker: Mapped[str | None]
    message: Mapped[str]


class IdempotencyKey(Base):
    """The answer that a POST with this key was given."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    answer: Mapped[Json]
    created_at: Mapped[datetime] = _now()
