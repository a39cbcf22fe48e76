"""Launches training and follows it to its end: pushes its progress, stores its checkpoints, launches it anew with
smaller micro batches when memory runs out. Knows store and subprocess, not what goes into a plan."""

import time
from collections.abc import Callable

import structlog

from services.trainer.notes import CheckpointMade, Remark, Result, StepDone, Validated
from services.trainer.plan import Plan, accumulation_of
from services.trainer.step.checkpoints import CheckpointUploads
from services.trainer.step.child import TrainingProcess
from services.trainer.step.gpus import free_memory
from services.trainer.step.spending import Spending
from shared.errors import DeviceOutOfMemory, StepInterrupted, StepStopped, SystemFault
from shared.objects import ObjectStore
from shared.observing import tally
from shared.observing.figures import CHECKPOINTS, TRAINED_PAIRS, TRAINED_TOKENS
from shared.worker.context import StepContext

log = structlog.get_logger(__name__)

_LOOK_S = 0.2
_PUSH_S = 1.0


def run(
    context: StepContext, folder: str, plan_for: Callable[[int | None], Plan], grace_s: float
) -> tuple[Plan, Result]:
    """`plan_for` makes a plan that goes on from the newest checkpoint below `folder`, with the given micro batch.

    Raises what the subprocess reports; DeviceOutOfMemory only when one pair at a time is too much.
    """
    micro_batch = _remembered(context.store, folder)
    while True:
        plan = plan_for(micro_batch)
        try:
            return plan, _launch(context, plan, folder, grace_s)
        except DeviceOutOfMemory as full:
            micro_batch = smaller_micro_batch(plan, full)
            _remember(context.store, folder, micro_batch)
            context.tell(_told(plan, micro_batch, full))


def _launch(context: StepContext, plan: Plan, folder: str, grace_s: float) -> Result:
    """However this is left, neither the subprocess nor anything below it outlives it."""
    store, attempt = context.store, context.task.attempt
    spending = Spending(store, folder, f"a{attempt}-{plan.folder.name}")
    with CheckpointUploads(store, folder, attempt) as uploads:
        process = TrainingProcess(plan)
        following = _Following(context, process, uploads, spending)
        try:
            following.to_the_end()
            uploads.check(wait=True)
            result = _result_of(context, process, plan, folder)
            spending.pace = result.pace
            return result
        except StepInterrupted:
            following.drain(grace_s)
            raise
        except StepStopped:
            process.kill()
            _tell_free_memory(context)
            raise
        finally:
            process.kill()
            spending.save()


class _Following:
    def __init__(
        self, context: StepContext, process: TrainingProcess, uploads: CheckpointUploads, spending: Spending
    ) -> None:
        self._context = context
        self._process = process
        self._uploads = uploads
        self._spending = spending
        self._latest: StepDone | None = None
        self._validation: dict[str, float] = {}
        self._pushed = 0.0

    def to_the_end(self) -> None:
        while True:
            running = self._process.running(_LOOK_S)
            self._take_news()
            if self._latest and (time.monotonic() - self._pushed > _PUSH_S or not running):
                self._push(self._latest)
            if not running:
                return
            self._context.check()
            self._uploads.check()

    def drain(self, grace_s: float) -> None:
        """Let it leave its last checkpoint, within what a shutdown allows."""
        self._process.ask_to_stop()
        if self._process.running(grace_s):
            self._context.tell(
                f"no checkpoint could be made within {grace_s:g} s: training goes on from the one before"
            )
        self._take_news()

    def _take_news(self) -> None:
        for note in self._process.news():
            match note:
                case StepDone():
                    self._latest, self._spending.pace = note, note.pace
                    tally.tell(TRAINED_PAIRS, note.pairs)
                    tally.tell(TRAINED_TOKENS, note.point.tokens or 0)
                case Validated():
                    self._validation = {"validation_loss": note.loss}
                case CheckpointMade():
                    self._uploads.begin(note.step, note.folder)
                    self._spending.save()
                    tally.tell(CHECKPOINTS)
                case Remark():
                    self._context.tell(note.message)

    def _push(self, done: StepDone) -> None:
        point, pace = done.point, done.pace
        metrics = {
            "loss": point.loss,
            "learning_rate": point.learning_rate,
            "grad_norm": point.grad_norm or 0.0,
            "tokens_per_s": round(pace.tokens_per_s, 1),
            "pairs_per_s": round(pace.pairs_per_s, 2),
            "eta_s": round(pace.eta_s, 1),
        }
        if pace.mfu:
            metrics["mfu"] = round(pace.mfu, 4)
        if pace.gpu_memory_bytes:
            metrics["gpu_memory_bytes"] = pace.gpu_memory_bytes
        self._context.progress(point.step, done.total, metrics | self._validation)
        self._latest, self._pushed = None, time.monotonic()


def _result_of(context: StepContext, process: TrainingProcess, plan: Plan, folder: str) -> Result:
    try:
        return process.result()
    except SystemFault:
        log.error("training failed", stderr=process.last_lines())
        context.store.put_file(f"{folder}/stderr-a{context.task.attempt}-{plan.folder.name}.txt", plan.stderr)
        raise


def _tell_free_memory(context: StepContext) -> None:
    if free := free_memory():
        context.tell(f"training was stopped; {free} are free now")


def smaller_micro_batch(plan: Plan, full: DeviceOutOfMemory) -> int:
    """Half as many pairs a forward pass. Raises `full` when it was one."""
    micro_batch, _ = accumulation_of(plan.settings, plan.processes)
    if micro_batch == 1:
        raise full
    halved = plan.settings.model_copy(update={"micro_batch_size": micro_batch // 2})
    return accumulation_of(halved, plan.processes)[0]


def _told(plan: Plan, micro_batch: int, full: DeviceOutOfMemory) -> str:
    before, _ = accumulation_of(plan.settings, plan.processes)
    return (
        f"{full.message} (with {before} pairs a forward pass; training goes on with {micro_batch} and more passes a "
        f"step, so that train.batch_size stays {plan.settings.batch_size})"
    )


def _remember(store: ObjectStore, folder: str, micro_batch: int) -> None:
    """For later attempts, which would otherwise run out of memory first."""
    store.put(_micro_batch_key(folder), str(micro_batch).encode())


def _remembered(store: ObjectStore, folder: str) -> int | None:
    key = _micro_batch_key(folder)
    return int(store.get(key)) if store.size_bytes(key) is not None else None


def _micro_batch_key(folder: str) -> str:
    return f"{folder}/micro_batch.txt"
