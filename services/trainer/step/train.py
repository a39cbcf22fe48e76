"""The step `train`: QA pairs in, a LoRA adapter and its loss curve out. Knows store and subprocess, no tensors."""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from services.trainer.notes import Result, StepDone
from services.trainer.plan import Plan, write_pairs
from services.trainer.step.checkpoints import CheckpointUploads, checkpoints, fetch, forget
from services.trainer.step.child import TrainingProcess
from services.trainer.step.gather import gather_adapter, gather_images, gather_pairs
from services.trainer.targets import check_previous
from services.trainer.wiring import TrainerSettings
from shared.artefacts import ArtefactWriter, ManifestRef, fingerprint
from shared.errors import StepInterrupted, StepStopped, SystemFault
from shared.seeds import derive
from shared.types.probes import PROBES
from shared.types.records import LossPoint
from shared.worker.context import StepContext

log = structlog.get_logger(__name__)

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", PROBES)
_LOOK_S = 0.2
_PUSH_S = 1.0
DRAIN_S = 25.0


def train(context: StepContext, settings: TrainerSettings) -> ManifestRef:
    """One attempt, continued from the newest checkpoint that any attempt left.

    Raises UserFault (unknown base model, adapter of other settings, no pairs), SystemFault when the subprocess dies.
    """
    output = f"{context.task.output_prefix}/{fingerprint(context.task)[:12]}"
    with _work_folder(settings.work_dir / context.task.step_id, context.task.attempt) as folder:
        plan = _prepare(context, settings, folder, output)
        _log_start(plan)
        result = _run(context, plan, output)
        return _deliver(context, plan, result, output)


@contextmanager
def _work_folder(step_folder: Path, attempt: int) -> Iterator[Path]:
    """A fresh folder for the attempt. Images are beside it, for the next attempt. Nothing stays after success, nor when
    the attempt must stop and no other works beside it; after a failure everything does, for a look."""
    folder = step_folder / f"a{attempt}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    except StepInterrupted:
        shutil.rmtree(folder)
        raise
    except StepStopped:
        shutil.rmtree(folder)
        if not list(step_folder.glob("a*")):
            shutil.rmtree(step_folder)
        raise
    shutil.rmtree(step_folder)


def _prepare(context: StepContext, settings: TrainerSettings, folder: Path, output: str) -> Plan:
    task, store = context.task, context.store
    model_path = settings.path_of(task.base_model)
    pairs = gather_pairs(store, task)
    adapter = gather_adapter(store, task, folder / "previous")
    if adapter:
        prefix = task.inputs["adapter"][0]
        check_previous(adapter, context.settings.train, prefix)
        forget(store, prefix.rpartition("/")[0])
    images = folder.parent / "images"
    train_pairs = gather_images(store, pairs, images, context.check)
    found = checkpoints(store, output)
    plan = Plan(
        model_path=model_path.absolute(),
        base_model=task.base_model,
        folder=folder.absolute(),
        images=images.absolute(),
        settings=context.settings.train.of_round(task.round),
        seed=derive(task.seed, task.round, "train"),
        adapter=adapter.absolute() if adapter else None,
        checkpoint=fetch(store, found[-1], folder / "resume").absolute() if found else None,
        processes=settings.trainer_processes,
        threads=settings.threads,
    )
    write_pairs(plan, train_pairs)
    plan.file.write_text(plan.model_dump_json())
    return plan


def _run(context: StepContext, plan: Plan, output: str) -> Result:
    """Follow the subprocess to its end. However this is left, the subprocess does not outlive it."""
    process = TrainingProcess(plan)
    try:
        with CheckpointUploads(context.store, output, context.task.attempt) as uploads:
            try:
                _follow(context, process, uploads)
            except StepInterrupted:
                process.ask_to_stop()
                _drain(process, uploads)
                raise
            uploads.check(wait=True)
        return _result_of(context, process, plan, output)
    finally:
        process.kill()


def _result_of(context: StepContext, process: TrainingProcess, plan: Plan, output: str) -> Result:
    try:
        return process.result()
    except SystemFault:
        log.error("training failed", stderr=process.last_lines())
        context.store.put_file(f"{output}/stderr-a{context.task.attempt}.txt", plan.stderr)
        raise


def _follow(context: StepContext, process: TrainingProcess, uploads: CheckpointUploads) -> None:
    latest: StepDone | None = None
    pushed = 0.0
    while True:
        running = process.running(_LOOK_S)
        latest = _take_news(process, uploads) or latest
        if latest and (time.monotonic() - pushed > _PUSH_S or not running):
            point = latest.point
            context.progress(point.step, latest.total, {"loss": point.loss, "learning_rate": point.learning_rate})
            latest, pushed = None, time.monotonic()
        if not running:
            return
        context.check()
        uploads.check()


def _take_news(process: TrainingProcess, uploads: CheckpointUploads) -> StepDone | None:
    """The newest of the steps done since the last look; checkpoints go on their way."""
    latest = None
    for note in process.news():
        if isinstance(note, StepDone):
            latest = note
        else:
            uploads.begin(note.step, note.folder)
    return latest


def _drain(process: TrainingProcess, uploads: CheckpointUploads) -> None:
    """Let it leave its last checkpoint, within what a shutdown allows."""
    process.running(DRAIN_S)
    _take_news(process, uploads)


def _deliver(context: StepContext, plan: Plan, result: Result, output: str) -> ManifestRef:
    task = context.task
    prefix = f"{output}/adapter-a{task.attempt}"
    for name in ADAPTER_FILES:
        context.store.put_file(f"{prefix}/{name}", plan.trained / name)
    with (plan.trained / "adapter_model.safetensors").open("rb") as weights:
        sha256 = hashlib.file_digest(weights, "sha256").hexdigest()
    writer = ArtefactWriter(context.store, task, LossPoint)
    writer.put(0, result.losses)
    figures = {
        "optimiser_steps": len(result.losses),
        "pairs": result.pairs,
        "first_loss": result.losses[0].loss,
        "last_loss": result.losses[-1].loss,
    }
    extra = {
        "adapter": {"prefix": prefix, "sha256": sha256},
        "precision": result.precision,
        "not_packed": result.not_packed,
        "device": result.device,
        "trainable_parameters": result.trainable_parameters,
        "dropped_pairs": sum(result.dropped.values()),
        "dropped_reasons": result.dropped,
        "seconds": round(result.seconds, 3),
    }
    log.info("training done", **figures, **extra)
    return writer.finish(1, figures, extra)


def _log_start(plan: Plan) -> None:
    resumed = plan.checkpoint.name if plan.checkpoint else None
    log.info("training starts", processes=plan.processes, threads=plan.threads, resumed_from=resumed)
