"""The step `export`: an adapter with its model card, or a merged model that was compared, as files in the store.

Knows store and subprocess, no tensors. Files are stored by their content: a later attempt stores none of them twice.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import structlog

from services.trainer.export.card import card
from services.trainer.export.plan import Comparison, MergePlan
from services.trainer.step.child import Child
from services.trainer.wiring import TrainerSettings
from shared.artefacts import ArtefactWriter, ManifestRef, fingerprint
from shared.errors import SelfSynthError, SystemFault
from shared.types.export import ExportedFile, ExportJob
from shared.types.probes import PROBES, Probes
from shared.worker.context import StepContext

log = structlog.get_logger(__name__)

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
CARD = "README.md"
_LOOK_S = 0.2


def export(context: StepContext, settings: TrainerSettings) -> ManifestRef:
    """One attempt. Raises UserFault (unknown base model, one that cannot be merged; `merged_differs` when the merged
    model, loaded again, does not say what base + adapter says) and SystemFault."""
    job = ExportJob.model_validate(context.task.params)
    with _work_folder(settings.work_dir / f"{context.task.step_id}-a{context.task.attempt}") as folder:
        adapter = _fetch_adapter(context, job, folder / "adapter")
        found = None
        made = adapter
        if job.wish.form == "merged":
            plan = _plan(context, settings, job, folder)
            found = _merge(context, plan)
            made = plan.merged
        (adapter / PROBES).unlink(missing_ok=True)
        (made / CARD).write_text(card(job, found))
        return _deliver(context, made, found)


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch_adapter(context: StepContext, job: ExportJob, folder: Path) -> Path:
    for name in ADAPTER_FILES:
        context.store.get_to_file(f"{job.prefix}/{name}", folder / name)
    if _sha256(folder / ADAPTER_FILES[1]) != job.sha256:
        raise SystemFault(
            f"the adapter of round {job.wish.round} of {job.wish.job} differs from its hash",
            remedy="Restore the object store from its backup.",
        )
    return folder


def _plan(context: StepContext, settings: TrainerSettings, job: ExportJob, folder: Path) -> MergePlan:
    """With the probes' images beside the adapter. An adapter of an older release has no probes, so is never merged."""
    plan = MergePlan(
        folder=folder.absolute(),
        model_path=settings.path_of(job.base_model).absolute(),
        adapter=(folder / "adapter").absolute(),
        images=(folder / "images").absolute(),
        dtype=job.wish.dtype,
        threads=settings.threads,
    )
    context.store.get_to_file(f"{job.prefix}/{PROBES}", plan.adapter / PROBES)
    for probe in Probes.model_validate_json((plan.adapter / PROBES).read_text()).probes:
        context.store.get_to_file(probe.image_key, plan.images / PurePosixPath(probe.image_key).name)
    plan.file.write_text(plan.model_dump_json())
    return plan


def _merge(context: StepContext, plan: MergePlan) -> Comparison:
    """However this is left, the subprocess does not outlive it."""
    child = Child("services.trainer.export", plan.file, plan.stderr, plan.threads)
    try:
        while child.running(_LOOK_S):
            context.check()
        found = Comparison.model_validate_json(child.outcome(plan.result, plan.error, "merging"))
    except SelfSynthError:
        log.error("merging failed", stderr=child.last_lines())
        raise
    finally:
        child.kill()
    log.info("merged model compared", **found.model_dump())
    return found


def _deliver(context: StepContext, folder: Path, found: Comparison | None) -> ManifestRef:
    files = sorted(folder.iterdir())
    rows = []
    for number, file in enumerate(files):
        context.check()
        context.progress(number, len(files), {})
        rows.append(_stored(context, file))
    writer = ArtefactWriter(context.store, context.task, ExportedFile)
    writer.put(0, rows)
    figures = {"files": float(len(rows)), "bytes": float(sum(row.size_bytes for row in rows))}
    compared = found.model_dump() if found else None
    log.info("export done", **figures)
    numbers = {f"compared_{name}": value for name, value in (compared or {}).items() if not isinstance(value, str)}
    return writer.finish(1, figures | numbers, {"compared": compared})


def _stored(context: StepContext, file: Path) -> ExportedFile:
    sha256, size_bytes = _sha256(file), file.stat().st_size
    key = f"{context.task.output_prefix}/{fingerprint(context.task)[:12]}/files/{sha256}/{file.name}"
    if context.store.size_bytes(key) != size_bytes:
        context.store.put_file(key, file)
    return ExportedFile(name=file.name, key=key, size_bytes=size_bytes, sha256=sha256)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
