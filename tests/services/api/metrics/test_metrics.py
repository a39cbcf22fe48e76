"""What the coordinator exports, against real servers and what truly happened there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import generate_latest
from redis import Redis
from rq import Worker
from sqlalchemy.orm import Session

from services.api.database.connection import Database
from services.api.database.models import Attempt, Dataset, Job, Step
from services.api.metrics.collector import CoordinatorMetrics
from services.api.metrics.figures import OWN, SHARED
from services.api.reconcile.loop import Loop
from shared.observing.heartbeat import impatient
from shared.queues import queue_of
from shared.types.lifecycle import QueueName
from tests.exposition import samples
from tests.ports import free_port
from tests.servers import Postgres
from tests.services.api.conftest import Stack, wait_for

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def seen(metrics: CoordinatorMetrics) -> dict[str, float]:
    return samples(generate_latest(metrics.registry).decode())


@pytest.fixture
def still(stack: Stack, ready: str) -> tuple[Stack, CoordinatorMetrics]:
    """A coordinator with a data set, and its figures read anew each time."""
    parts = stack.parts
    redis = impatient(parts.settings.redis_url.get_secret_value())
    return stack, CoordinatorMetrics(parts.database, redis, parts.loop, kept_s=0)


Still = tuple[Stack, CoordinatorMetrics]


def test_anybody_may_scrape_and_every_figure_of_the_table_is_there(stack: Stack) -> None:
    stack.get("/jobs")
    answer = httpx.get(f"{stack.url}/metrics")
    assert answer.status_code == 200
    told = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# HELP")}
    assert {figure.series for figure in (*SHARED, *OWN)} <= told


def test_a_job_on_its_way_is_told_with_its_steps_and_queues(still: Still, ready: str) -> None:
    stack, metrics = still
    job = stack.job(ready)["id"]
    wait_for(stack.worker.waiting)
    now = seen(metrics)
    assert now['selfsynth_jobs{kind="tuning",status="running"}'] == 1
    assert now['selfsynth_steps{status="queued",step="evaluate"}'] == 1
    assert now['selfsynth_queue_depth{queue="generation"}'] == 1
    assert 0 < now['selfsynth_queue_oldest_age_seconds{queue="generation"}'] < 60
    assert now['selfsynth_attempts_total{outcome="succeeded",step="ingest"}'] == 1
    task = stack.next_task()
    with stack.worker.call(task) as coordinator:
        coordinator.started()
        pushed = {"tokens_per_s": 50.0, "pairs_per_s": 2.5, "mfu": 0.375, "gpu_memory_bytes": 6e9}
        coordinator.progress(3, 12, pushed)
        now = seen(metrics)
        labels = f'{{job_id="{job}",round="0",shard="0",step="evaluate"}}'
        assert now[f"selfsynth_running_progress_ratio{labels}"] == 0.25
        assert now[f"selfsynth_running_tokens_per_second{labels}"] == 50
        assert now[f"selfsynth_running_pairs_per_second{labels}"] == 2.5
        assert now[f"selfsynth_running_mfu_ratio{labels}"] == 0.375
        assert now[f"selfsynth_running_gpu_memory_bytes{labels}"] == 6e9
        assert now['selfsynth_queue_oldest_age_seconds{queue="generation"}'] == 0
        coordinator.again()
    now = seen(metrics)
    assert not [series for series in now if series.startswith("selfsynth_running")]
    assert now['selfsynth_attempts_total{outcome="again",step="evaluate"}'] == 1
    assert now['selfsynth_retries_total{step="evaluate"}'] == 0


def attempt(number: int, outcome: str | None, **fields: object) -> Attempt:
    began = {"queued_at": NOON, "started_at": NOON + timedelta(seconds=2), "ended_at": NOON + timedelta(seconds=12)}
    return Attempt(step_id="job_1-1-train-0", number=number, outcome=outcome, **{**began, **fields})


def fill(session: Session) -> None:
    """A training whose first worker was lost with its lease, the second of which failed, and a third that ended."""
    session.add(Dataset(id="ds_1", name="birds", status="ready", source={}))
    session.flush()
    session.add(
        Job(
            id="job_1", kind="tuning", status="succeeded", dataset_id="ds_1", model="m", rounds=1, method="default",
            seed=0, settings={}, created_at=NOON, ended_at=NOON + timedelta(hours=2),
        )
    )  # fmt: skip
    session.flush()
    session.add(
        Step(id="job_1-1-train-0", job_id="job_1", round=1, step="train", shard=0, shards=1, status="succeeded")
    )
    session.flush()
    session.add(attempt(1, "lost", lease_until=NOON + timedelta(seconds=9)))
    session.add(attempt(2, "failed", sends=3))
    session.add(attempt(3, "lost", started_at=None))
    session.add(attempt(4, "lost", lease_until=NOON + timedelta(seconds=14)))
    session.add(attempt(5, "succeeded"))


@pytest.fixture
def filled(postgres: Postgres, template: str, valkey_url: str) -> Iterator[CoordinatorMetrics]:
    database = Database(postgres.create(template))
    with database.transaction() as session:
        fill(session)
    yield CoordinatorMetrics(database, impatient(valkey_url), loop_of(database), kept_s=0)
    database.close()


def loop_of(database: Database) -> Loop:
    return Loop(None, database, 1.0)  # type: ignore[arg-type]


def test_leases_that_ran_out_retries_and_resent_messages_are_counted(filled: CoordinatorMetrics) -> None:
    now = seen(filled)
    assert now['selfsynth_attempts_total{outcome="lost",step="train"}'] == 3
    assert now['selfsynth_lease_expiries_total{step="train"}'] == 1
    assert now['selfsynth_retries_total{step="train"}'] == 4
    assert now['selfsynth_messages_resent_total{step="train"}'] == 2
    assert now['selfsynth_lease_expiries_total{step="describe"}'] == 0


def test_durations_are_told_as_histograms(filled: CoordinatorMetrics) -> None:
    now = seen(filled)
    of = 'outcome="succeeded",step="train"}'
    assert now["selfsynth_attempt_seconds_sum{" + of] == 10
    assert [now[f'selfsynth_attempt_seconds_bucket{{le="{le}",{of}'] for le in ("5", "15", "+Inf")] == [0, 1, 1]
    assert now['selfsynth_attempt_wait_seconds_bucket{le="5",step="train"}'] == 4
    assert now['selfsynth_job_seconds_sum{kind="tuning",status="succeeded"}'] == 7200


def test_figures_are_read_from_the_database_once_in_a_while_however_often_they_are_asked_for(
    postgres: Postgres, template: str, valkey_url: str
) -> None:
    database = Database(postgres.create(template))
    metrics = CoordinatorMetrics(database, impatient(valkey_url), loop_of(database), kept_s=3600)
    seen(metrics)
    with database.transaction() as session:
        fill(session)
    assert seen(metrics)['selfsynth_jobs{kind="tuning",status="succeeded"}'] == 0
    database.close()


def test_without_database_and_queue_the_rest_is_told(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    metrics = CoordinatorMetrics(database, impatient(f"redis://127.0.0.1:{free_port()}"), loop_of(database))
    now = seen(metrics)
    assert now['selfsynth_part_up{part="database"}'] == now['selfsynth_part_up{part="queue"}'] == 0
    assert now["selfsynth_reconcile_faults_total"] == 0


def test_workers_are_told_by_what_rq_itself_wrote(filled: CoordinatorMetrics, valkey_url: str) -> None:
    queue = queue_of(Redis.from_url(valkey_url), QueueName.TRAINING)
    workers = [Worker([queue], connection=queue.connection, serializer="json") for _ in range(3)]
    for worker in workers:
        worker.register_birth()
    workers[0].set_state("busy")
    queue.connection.delete(workers[1].key)  # killed long ago
    now = seen(filled)
    assert now['selfsynth_workers{queue="training",state="busy"}'] == 1
    assert now['selfsynth_workers{queue="training",state="idle"}'] == 1
    assert now['selfsynth_workers{queue="data",state="idle"}'] == 0


def test_requests_are_timed_by_route_and_not_by_what_anybody_makes_up(stack: Stack) -> None:
    for job in ("a", "b"):
        stack.client.get(f"/jobs/{job}")
    httpx.request("MADEUP", f"{stack.url}/nowhere/{'x' * 40}")
    now = samples(httpx.get(f"{stack.url}/metrics").text)
    times = "selfsynth_http_request_seconds_count"
    assert now[f'{times}{{method="GET",route="/jobs/{{job_id}}",status="404"}}'] == 2
    assert now[f'{times}{{method="other",route="none",status="401"}}'] == 1


def test_the_reconcile_loop_tells_when_it_last_went_round(stack: Stack) -> None:
    before = stack.parts.loop.last_round
    wait_for(lambda: stack.parts.loop.last_round > before)
    assert samples(httpx.get(f"{stack.url}/metrics").text)["selfsynth_reconcile_last_round_timestamp_seconds"] > 0
