"""The step `train`: QA pairs in, a LoRA adapter and its loss curve out. Knows store and subprocess, no tensors."""

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from services.trainer.notes import Result
from services.trainer.plan import Plan, accumulation_of, write_pairs
from services.trainer.step.checkpoints import checkpoints, fetch, forget
from services.trainer.step.gather import gather_adapter, gather_images, gather_instructions, gather_pairs, hold_out
from services.trainer.step.running import run
from services.trainer.step.spending import spent
from services.trainer.targets import check_previous
from services.trainer.trackers import installed
from services.trainer.wiring import TrainerSettings
from shared.artefacts import ArtefactWriter, ManifestRef, fingerprint
from shared.errors import StepInterrupted, StepStopped
from shared.seeds import derive
from shared.types.probes import PROBES
from shared.types.records import LossPoint
from shared.worker.context import StepContext

log = structlog.get_logger(__name__)

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", PROBES)


def train(context: StepContext, settings: TrainerSettings) -> ManifestRef:
    """One attempt, continued from the newest checkpoint that any attempt left.

    Raises UserFault (unknown base model, adapter of other settings, no pairs), SystemFault when the subprocess dies.
    """
    output = f"{context.task.output_prefix}/{fingerprint(context.task)[:12]}"
    with _work_folder(settings.work_dir / context.task.step_id, context.task.attempt) as folder:
        plan_for = _prepare(context, settings, folder, output)
        plan, result = run(context, output, plan_for, settings.trainer_grace_s)
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


def _prepare(
    context: StepContext, settings: TrainerSettings, folder: Path, output: str
) -> Callable[[int | None], Plan]:
    """Gathers all that training reads. What is returned makes the plan of a launch: in a folder of its own, from the
    newest checkpoint, and with the micro batch that it is given."""
    task, store, train_settings = context.task, context.store, context.settings.train
    model_path = settings.path_of(task.base_model)
    pairs = gather_pairs(store, task)
    seed = derive(task.seed, task.round, "train")
    held_out = hold_out(pairs, train_settings.early_stopping, seed)
    adapter = gather_adapter(store, task, folder / "previous")
    if adapter:
        prefix = task.inputs["adapter"][0]
        check_previous(adapter, train_settings, prefix)
        forget(store, prefix.rpartition("/")[0])
    images = folder.parent / "images"
    train_pairs = gather_images(store, pairs, held_out, images, context.check)
    if train_settings.instruction_data:
        own = sum(not pair.held_out for pair in train_pairs)
        wanted = round(train_settings.instruction_data.ratio * own)
        train_pairs += gather_instructions(store, task, wanted, derive(seed, "mix"), images, context.check)
    trackers = installed(settings.trackers)
    launches = itertools.count(1)

    def plan_for(micro_batch: int | None) -> Plan:
        launch = folder.absolute() / f"run{next(launches)}"
        launch.mkdir()
        found = checkpoints(store, output)
        smaller = {"micro_batch_size": micro_batch} if micro_batch else {}
        plan = Plan(
            model_path=model_path.absolute(),
            base_model=task.base_model,
            folder=launch,
            images=images.absolute(),
            settings=train_settings.of_round(task.round).model_copy(update=smaller),
            seed=seed,
            adapter=adapter.absolute() if adapter else None,
            checkpoint=fetch(store, found[-1], launch / "resume") if found else None,
            processes=settings.trainer_processes * settings.machines.count,
            machines=settings.machines.count,
            threads=settings.threads,
            run_name=f"{task.job_id}-r{task.round}",
            trackers=trackers,
            tracking=(settings.work_dir / "tracking").absolute(),
        )
        write_pairs(plan, train_pairs)
        plan.file.write_text(plan.model_dump_json())
        _log_start(plan)
        return plan

    return plan_for


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
        "pairs": result.pairs - result.instruction_pairs,
        "instruction_pairs": result.instruction_pairs,
        "first_loss": result.losses[0].loss,
        "last_loss": result.losses[-1].loss,
        "tokens": sum(point.tokens or 0 for point in result.losses),
        **spent(context.store, output),
        **_early_stopping(result),
    }
    micro_batch, passes = accumulation_of(plan.settings, plan.processes)
    extra = {
        "adapter": {"prefix": prefix, "sha256": sha256},
        "precision": result.precision,
        "base_precision": result.base_precision,
        "untrained": result.untrained,
        "not_packed": result.not_packed,
        "device": result.device,
        "trainable_parameters": result.trainable_parameters,
        "dropped_pairs": sum(result.dropped.values()),
        "dropped_reasons": result.dropped,
        "dropped_instructions": result.dropped_instructions,
        "seconds": round(result.seconds, 3),
        "processes": plan.processes,
        "micro_batch_size": micro_batch,
        "passes_a_step": passes,
        "gpu_memory_bytes": result.pace.gpu_memory_bytes,
        "stopped_early": result.stopped_early,
    }
    log.info("training done", **figures, **extra)
    return writer.finish(1, figures, extra)


def _early_stopping(result: Result) -> dict[str, float]:
    if result.best_step is None:
        return {}
    losses = {point.step: point.validation_loss for point in result.losses if point.validation_loss is not None}
    return {
        "held_out_pairs": result.held_out,
        "best_step": result.best_step,
        "best_validation_loss": losses[result.best_step],
    }


def _log_start(plan: Plan) -> None:
    resumed = plan.checkpoint.name if plan.checkpoint else None
    log.info("training starts", processes=plan.processes, threads=plan.threads, resumed_from=resumed)
