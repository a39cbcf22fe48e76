"""Runs one attempt from message to end. The only place where a step's errors become a report."""

import contextlib
import os
import signal
import socket
import threading
from typing import Any

import structlog
from pydantic import ValidationError

from shared.errors import LaterRelease, StepInterrupted, StepStopped, report_of
from shared.logs import bind_task
from shared.objects import open_store
from shared.observing import tally, tracing
from shared.observing.figures import MESSAGES
from shared.settings import WorkerSettings
from shared.types.lifecycle import QUEUE_OF_STEP
from shared.types.tasks import StepTask
from shared.worker.context import StepContext, Work
from shared.worker.coordinator import Coordinator
from shared.worker.lease import Lease

log = structlog.get_logger(__name__)

_PAUSE_S = 5.0
# With the pause, a quarter of an hour and more: an upgrade is over by then.
_MOST_HAND_BACKS = 200


def run_task(message: dict[str, Any], work: Work, settings: WorkerSettings) -> None:
    """Do `work` for the task in `message` under a lease, and tell the coordinator how it ended.

    Returns also when the attempt failed or was refused: the database holds the truth, not the queue.
    """
    try:
        task = StepTask.model_validate(message)
    except ValidationError as error:
        _leave_to_later_release(message, settings, error)
        return
    bind_task(task)
    tracing.configure(QUEUE_OF_STEP[task.step].value)
    with _coordinator_of(task, settings) as coordinator:
        try:
            coordinator.started()
            log.info("step started")
            outcome = _work_under_lease(task, work, settings, coordinator)
        except StepStopped as stopped:
            outcome = "stopped"
            log.warning("attempt refused or stopped", why=str(stopped))
    tally.tell(MESSAGES, step=task.step.value, outcome=outcome)
    tracing.close()


def _coordinator_of(task: StepTask, settings: WorkerSettings) -> Coordinator:
    worker = settings.worker_name or f"{socket.gethostname()}:{os.getppid()}"
    return Coordinator(settings.coordinator_url, settings.worker_token.get_secret_value(), worker, task)


def _leave_to_later_release(message: dict[str, Any], settings: WorkerSettings, why: Exception) -> None:
    """Hand back a step whose very message cannot be read. Of it is needed only whose attempt this is."""
    task = StepTask.model_construct(**{name: message[name] for name in ("step_id", "attempt", "lease_s")})
    with _coordinator_of(task, settings) as coordinator, contextlib.suppress(StepStopped):
        coordinator.started()
        _hand_back_later(coordinator, task, threading.Event(), why)


def _hand_back_later(coordinator: Coordinator, task: StepTask, hurry: threading.Event, why: Exception) -> None:
    """Not at once, since the same worker might take it again at once. And not for ever: the step fails in the end."""
    log.warning("step is of another release", why=str(why))
    if task.attempt > _MOST_HAND_BACKS:
        coordinator.failed(report_of(why))
        return
    hurry.wait(min(_PAUSE_S, task.lease_s / 3))
    coordinator.tell("a worker of another release left this step to one of the coordinator's own")
    coordinator.again()


def _work_under_lease(task: StepTask, work: Work, settings: WorkerSettings, coordinator: Coordinator) -> str:
    """Returns how it ended."""
    interrupted = _interrupted_by_sigterm()
    with Lease(coordinator.heartbeat, task.lease_s, kill=_kill_own_group) as lease:

        def check() -> None:
            lease.check()
            if interrupted.is_set():
                raise StepInterrupted

        try:
            store = open_store(settings.store_url, settings.store_options)
            with tracing.span(f"step {task.step.value}", task.traceparent, "consumer", _about(task)):
                ref = work(StepContext(task, store, coordinator.progress, check, coordinator.tell))
        except StepStopped:
            raise
        except LaterRelease as later:
            _hand_back_later(coordinator, task, interrupted, later)
            return "again"
        except StepInterrupted:
            coordinator.again()
            log.info("step handed back")
            return "again"
        except Exception as error:  # the process edge: every error becomes a report
            log.exception("step failed")
            coordinator.failed(report_of(error))
            return "failed"
        else:
            coordinator.succeeded(ref)
            log.info("step succeeded", manifest=ref.key)
            return "succeeded"


def _about(task: StepTask) -> dict[str, str | int]:
    told: dict[str, str | int] = {"job": task.job_id, "round": task.round, "shard": task.shard, "attempt": task.attempt}
    return {f"selfsynth.{name}": value for name, value in told.items()}


def _interrupted_by_sigterm() -> threading.Event:
    event = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda signum, frame: event.set())
    return event


def _kill_own_group() -> None:
    """The work horse leads its own process group (see rq_process), so a training subprocess dies with it."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
