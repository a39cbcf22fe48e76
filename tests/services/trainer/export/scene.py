"""An adapter of random weights with its probes in a store, and the task that exports it."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoModelForImageTextToText

from shared.objects import ObjectStore
from shared.types.export import DatasetFacts, ExportJob, ExportWish, RoundFacts
from shared.types.lifecycle import StepName
from shared.types.probes import PROBES, Place, Probe, Probes, Seen
from shared.types.tasks import StepTask
from tests.models import lora_targets

PREFIX = "jobs/job/r1/train/s0/adapter-a1"
_TOKENS = (270, 300, 5, 600)


def random_adapter(model: Path, folder: Path, rank: int = 4, alpha: int = 8, seed: int = 0, std: float = 0.1) -> Path:
    """As peft saves it, on all layers that training adapts; `std` of both halves."""
    torch.manual_seed(seed)
    base: Any = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=lora_targets(model))
    adapted = get_peft_model(base, config)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=std)
    adapted.save_pretrained(folder, save_embedding_layers=False)
    return folder


def image(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(picture, "PNG")
    return picture.getvalue()


def probes() -> Probes:
    """What they saw is of no concern to an export, only what they ask."""
    places = tuple(Place(token=token, seen={token: Seen(0.0, 0.0)}) for token in _TOKENS)
    return Probes(
        precision="float32", probes=(Probe(image_key="images/red.png", question="What is it?", places=places),)
    )


def put_adapter(store: ObjectStore, folder: Path) -> str:
    """Returns the SHA-256 of its weights."""
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        store.put_file(f"{PREFIX}/{name}", folder / name)
    store.put(f"{PREFIX}/{PROBES}", probes().model_dump_json().encode())
    store.put("images/red.png", image())
    return hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()


def export_job(sha256: str = "0" * 64, **wish: Any) -> ExportJob:
    figures = {"accuracy": 0.75, "accuracy_ci": (0.6, 0.86), "validation_accuracy": 0.5, "pairs": 16}
    return ExportJob(
        wish=ExportWish.model_validate({"job": "job", "round": 1} | wish),
        base_model="tiny",
        prefix=PREFIX,
        sha256=sha256,
        method="default",
        seed=7,
        settings={"train": {"lora_rank": 4}},
        dataset=DatasetFacts(
            id="ds", name="birds", noun="bird", classes=("Redfinch", "Bluecap"), splits={"train": 8, "test": 4}
        ),
        rounds=(
            RoundFacts(round=0, figures={"accuracy": 0.1}),
            RoundFacts(round=1, adapter="job-r1", sha256=sha256, figures=figures),
        ),
    )


def export_task(job: ExportJob, attempt: int = 1) -> StepTask:
    return StepTask(
        step_id="exp-0-export-0",
        job_id="exp",
        round=0,
        step=StepName.EXPORT,
        attempt=attempt,
        inputs={"adapter": (job.prefix,)},
        output_prefix="jobs/exp/r0/export/s0",
        base_model=job.base_model,
        teacher=job.base_model,
        seed=0,
        params=job.model_dump(mode="json"),
    )
