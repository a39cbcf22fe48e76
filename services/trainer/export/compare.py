"""Asks base + adapter, and the merged model as loaded from disk, the adapter's probes: how far apart are they?"""

import gc
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForImageTextToText

from services.trainer.export.merge import dtype_of, weight_files
from services.trainer.export.plan import Comparison, MergePlan
from services.trainer.plan import TrainPair
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.probing import logprobs
from services.trainer.tuning.processing import load_processor
from shared.errors import UserFault
from shared.types.probes import PROBES, Probe, Probes

_LIKELIEST = 5
# Nats. float32 merges to the rounding of its sums; a shorter type rounds every weight anew.
LARGEST_IN_FLOAT32 = 1e-3
MEAN_IN_SHORT_TYPES = 0.1
_SPARE = 1.3


def compare(plan: MergePlan) -> Comparison:
    """Raises UserFault `merged_differs` with the figures when the merged model is not base + adapter: however often it
    is tried, these weights merged into this type differ, so another wish must be made."""
    torch.set_num_threads(plan.threads)
    probes = Probes.model_validate_json((plan.adapter / PROBES).read_text()).probes
    device = _device(plan.model_path)
    with torch.no_grad():
        adapter, base = _of_both(plan, probes, device)
        gc.collect()
        merged = _said(_load(plan.merged, device), plan.merged, plan.images, probes)
    likeliest = adapter.topk(_LIKELIEST).indices
    apart = (adapter - merged).gather(1, likeliest).abs()
    found = Comparison(
        places=len(adapter),
        mean=float(apart.mean()),
        largest=float(apart.max()),
        base=float((adapter - base).gather(1, likeliest).abs().mean()),
        kept_in=str(dtype_of(plan.merged)).removeprefix("torch."),
        device=device,
    )
    demand_same(found)
    return found


def demand_same(found: Comparison) -> None:
    exact = found.kept_in == "float32"
    wrong = found.largest > LARGEST_IN_FLOAT32 if exact else found.mean > min(MEAN_IN_SHORT_TYPES, found.base / 2)
    if not wrong and found.mean == found.mean:
        return
    remedy = "Export the adapter instead; the merged weights are not offered."
    raise UserFault(
        f"the merged model is not base + adapter: over {found.places} places of the adapter's probes their "
        f"log-probabilities are {found.mean:.2g} nats apart in the mean and {found.largest:.2g} at most, where the "
        f"adapter is {found.base:.2g} from its base; the weights are kept in {found.kept_in}",
        remedy=remedy if exact else "Merge into float32 weights (`--dtype float32`), or export the adapter.",
        code="merged_differs",
    )


def _of_both(plan: MergePlan, probes: tuple[Probe, ...], device: str) -> tuple[Tensor, Tensor]:
    model = PeftModel.from_pretrained(_load(plan.model_path, device), plan.adapter).eval()
    return (
        _said(model, plan.model_path, plan.images, probes),
        _said(model, plan.model_path, plan.images, probes, with_adapter=False),
    )


def _load(folder: Path, device: str) -> Any:
    """In float32, so that what is seen is the merging and not the arithmetic."""
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).to(device).eval()


def _said(model: Any, processor: Path, images: Path, probes: tuple[Probe, ...], with_adapter: bool = True) -> Tensor:
    """[places, vocabulary]: the log-probabilities at every place of the probes' answers, on the CPU."""
    encoder = PairEncoder(load_processor(processor), images)
    with nullcontext() if with_adapter else model.disable_adapter():
        return torch.cat(list(_of_each(model, encoder, probes)))


def _of_each(model: Any, encoder: PairEncoder, probes: tuple[Probe, ...]) -> Iterator[Tensor]:
    for probe in probes:
        image, tokens = PurePosixPath(probe.image_key).name, [place.token for place in probe.places]
        asked = encoder.encode(TrainPair(image=image, question=probe.question, answer=""))
        ids = (*asked.ids[: asked.prompt_length], *tokens)
        yield logprobs(model, encoder, image, ids)[asked.prompt_length - 1 : -1].cpu()


def _device(model_path: Path) -> str:
    """The accelerator where a float32 copy fits beside what is there already; else the CPU."""
    if not torch.cuda.is_available():
        return "cpu"
    bits = 8 * dtype_of(model_path).itemsize
    wanted = sum(file.stat().st_size for file in weight_files(model_path)) * 32 / bits
    return "cuda" if torch.cuda.mem_get_info()[0] > _SPARE * wanted else "cpu"
