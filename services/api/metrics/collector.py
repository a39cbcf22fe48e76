"""Turns what is true into Prometheus' families, at each scrape. Knows no table and no key of the queue."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import product

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.api.database.connection import Database, DatabaseUnavailable
from services.api.database.models import Job, Progress, Step
from services.api.metrics import figures, queue_state, rows
from services.api.metrics.rows import Labels, Spread
from services.api.reconcile.loop import Loop
from services.api.rounds import ONE_OFF
from shared.observing.figures import Figure
from shared.observing.made import histogram
from shared.types.lifecycle import JobStatus, StepName

log = structlog.get_logger(__name__)

# Whoever may reach /metrics needs no key: however often it is asked, the database is not. While one waits for it, the
# others are given what is kept: threads are for those that keep jobs alive.
_KEPT_S = 2.0
_OUTCOMES = ("succeeded", "failed", "again", "lost", "cancelled")
_KINDS = ("tuning", *ONE_OFF)
_STATUSES = [status.value for status in JobStatus]
_STEPS = [step.value for step in StepName]


class CoordinatorMetrics:
    """`registry` is what `/metrics` shows; each coordinator has its own."""

    def __init__(self, database: Database, connection: Redis, loop: Loop, kept_s: float = _KEPT_S) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Truth(database, connection, loop, kept_s))
        ProcessCollector(registry=self.registry)
        self.requests = histogram(figures.HTTP_SECONDS, self.registry)


class _Truth(Collector):
    def __init__(self, database: Database, connection: Redis, loop: Loop, kept_s: float) -> None:
        self._database = database
        self._connection = connection
        self._loop = loop
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._kept = [*self._read()]
                self._until = time.monotonic() + self._kept_s
            finally:
                self._lock.release()
        yield from self._kept
        yield _gauge(figures.LAST_ROUND, {(): self._loop.last_round})
        yield _counter(figures.RECONCILE_FAULTS, {(): self._loop.faults})

    def _read(self) -> Iterator[Metric]:
        up: dict[Labels, float] = {("database",): 0, ("queue",): 0}
        with suppress(DatabaseUnavailable):
            found = self._of_database()
            up["database",] = 1
            yield from found
        with suppress(RedisError):
            found = [
                _gauge(figures.QUEUE_DEPTH, queue_state.depths(self._connection)),
                _gauge(figures.WORKERS, queue_state.workers(self._connection)),
            ]
            up["queue",] = 1
            yield from found
        yield _gauge(figures.UP, up)

    def _of_database(self) -> list[Metric]:
        with self._database.snapshot() as session:
            session.execute(text("set local statement_timeout = 5000"))
            return [*_jobs(session), *_attempts(session), *_running(rows.running(session))]


def _jobs(session: Session) -> Iterator[Metric]:
    yield _gauge(figures.JOBS, _from_zero(rows.counted(session, Job.kind, Job.status), _KINDS, _STATUSES))
    yield _histogram(figures.JOB_SECONDS, rows.job_seconds(session, figures.JOB_SECONDS.buckets))
    yield _gauge(figures.STEPS, rows.counted(session, Step.step, Step.status))
    yield _gauge(figures.QUEUE_AGE, rows.queue_ages_s(session))


def _attempts(session: Session) -> Iterator[Metric]:
    yield _counter(figures.ATTEMPTS, _from_zero(rows.attempts(session), _STEPS, _OUTCOMES))
    yield _histogram(figures.ATTEMPT_SECONDS, rows.attempt_seconds(session, figures.ATTEMPT_SECONDS.buckets))
    yield _histogram(figures.WAIT_SECONDS, rows.wait_seconds(session, figures.WAIT_SECONDS.buckets))
    by_step: dict[Figure, Callable[[Session], rows.Counts]] = {
        figures.LEASE_EXPIRIES: rows.lease_expiries,
        figures.RETRIES: rows.retries,
        figures.RESENDS: rows.resends,
    }
    for figure, read in by_step.items():
        yield _counter(figure, _from_zero(read(session), _STEPS))


def _running(pushed: Iterable[tuple[Labels, Progress]]) -> Iterator[Metric]:
    pushed = list(pushed)
    yield _gauge(figures.PROGRESS, {labels: row.done / row.total for labels, row in pushed if row.total})
    for name, figure in figures.PUSHED.items():
        yield _gauge(figure, {labels: row.metrics[name] for labels, row in pushed if name in row.metrics})


def _from_zero(counts: rows.Counts, *labels: Iterable[str]) -> rows.Counts:
    """So that the first of its kind counts as an increase."""
    return dict.fromkeys(product(*labels), 0) | counts


def _gauge(figure: Figure, values: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(figure.name, figure.help, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _counter(figure: Figure, values: Mapping[Labels, float]) -> Metric:
    family = CounterMetricFamily(figure.name, figure.help, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(figure: Figure, spreads: Mapping[Labels, Spread]) -> Metric:
    family = HistogramMetricFamily(figure.name, figure.help, labels=figure.labels)
    for labels, spread in spreads.items():
        bounds = [f"{bound:g}" for bound in figure.buckets] + ["+Inf"]
        family.add_metric(labels, list(zip(bounds, (*spread.within, spread.count), strict=True)), spread.total_s)
    return family
