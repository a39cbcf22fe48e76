"""`reconcile(job_id)`: moves a job as far as it can go now. Harmless when repeated, or run by two at once."""

import structlog

from services.api.database.connection import Database
from services.api.database.models import Job
from services.api.pointers import Pointers
from services.api.reconcile.apply import apply
from services.api.reconcile.decide import Cancelled, Fail, Finish, Resend, decide
from services.api.reconcile.reading import Reader
from services.api.reconcile.truth import Policy, Truth
from services.api.reconcile.turns import Turns
from services.api.sleeping.keeper import Keeper
from shared.objects import ObjectStore
from shared.observing.tracing import span, traceparent
from shared.queues import Messages
from shared.types.tasks import StepTask

log = structlog.get_logger(__name__)


class Mover:
    def __init__(
        self, database: Database, messages: Messages, store: ObjectStore, keeper: Keeper, policy: Policy
    ) -> None:
        self._database = database
        self._messages = messages
        self._store = store
        self._pointers = Pointers(database, store)
        self._turns = Turns(keeper)
        self._policy = policy
        self._reader = Reader(database, messages, policy)

    def reconcile(self, job_id: str) -> None:
        """Read, decide, write, send; again until there is only waiting to do.

        Raises the errors of the database, the store and the queue; what is committed by then is found and finished by
        the next call.
        """
        while (truth := self._reader.read(job_id)) and self.move(truth):
            pass

    def move(self, truth: Truth) -> bool:
        """Do the one next thing for what was read. False when there is nothing more to do now.

        When the job has changed since, or another one took the engine, nothing is written, and the answer is to read
        again. After a message was sent again the job rests until the next round, so that a worker that fails at once
        does not use up all attempts.
        """
        move = self._turns.prepared(truth, decide(truth, self._policy))
        if move is None:
            return False
        with self._database.transaction() as session:
            job = session.get_one(Job, truth.job_id, with_for_update=True)
            if job.version != truth.version or not self._turns.may_write(session, truth, move):
                return True
            task = apply(session, job, move, self._policy.lease_s)
        log.info("job moved", job=truth.job_id, move=repr(move))
        if task and (isinstance(move, Resend) or self._turns.may_send(truth)):
            self._send(task)
        if isinstance(move, Finish | Fail | Cancelled):
            self._drop_upload(job)
        return not isinstance(move, Resend)

    def _drop_upload(self, job: Job) -> None:
        """An archive that was sent is of no more use once its data set is validated, or cannot be."""
        if job.kind == "ingest" and (key := job.settings["source"].get("upload")):
            self._store.delete(key)

    def _send(self, task: StepTask) -> None:
        if task.teacher != task.base_model:
            self._pointers.publish(task.teacher)
        about: dict[str, str | int] = {"selfsynth.job": task.job_id, "selfsynth.attempt": task.attempt}
        with span(f"send {task.step.value}", task.traceparent, "producer", about):
            self._messages.send(task.model_copy(update={"traceparent": traceparent() or task.traceparent}))
