"""Writes base weights plus adapter as a checkpoint of its own. No more than one of its files is in memory.

Files, dtype and names are those of the base, which both transformers and vLLM load; names that the base has shortened
get the published form. Knows safetensors and names, asks no model anything.
"""

import json
import math
import shutil
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from services.trainer.export.names import WeightNames
from services.trainer.export.plan import MergePlan
from services.trainer.tuning.merging import LayerLora, read_lora
from shared.errors import InvalidInput

_INDEX = "model.safetensors.index.json"
# What a checkpoint needs beside its weights.
_BESIDE = (
    "config.json",
    "generation_config.json",
    "*processor_config.json",
    "chat_template*",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "LICENSE*",
)


def write_merged(plan: MergePlan) -> None:
    """Fill `plan.merged`. Raises InvalidInput when the base's weights cannot take the adapter."""
    lora = read_lora(plan.adapter)
    names = WeightNames(plan.model_path)
    files = weight_files(plan.model_path)
    plan.merged.mkdir()
    index: dict[str, str] = {}
    size_bytes = 0
    for file in files:
        weights = _merged_weights(file, names, lora, plan)
        index |= dict.fromkeys(weights, file.name)
        size_bytes += sum(weight.nbytes for weight in weights.values())
        save_file(weights, plan.merged / file.name, metadata={"format": "pt"})
    _demand_all(lora, plan)
    if len(files) > 1:
        body = {"metadata": {"total_size": size_bytes}, "weight_map": dict(sorted(index.items()))}
        (plan.merged / _INDEX).write_text(json.dumps(body, indent=2))
    _copy_beside(plan)


def _merged_weights(file: Path, names: WeightNames, lora: dict[str, LayerLora], plan: MergePlan) -> dict[str, Tensor]:
    """One file's weights. What was merged is taken out of `lora`."""
    weights = {}
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118
            weight = opened.get_tensor(name)
            if plan.dtype == "float32" and weight.is_floating_point():
                weight = weight.float()
            module = names.module_of(name)
            if module in lora:
                weight = _merged(weight, lora.pop(module), name)
            weights[names.published(name)] = weight
    return weights


def _merged(weight: Tensor, lora: LayerLora, name: str) -> Tensor:
    shape = (lora.b.shape[0], lora.a.shape[1])
    if not weight.is_floating_point() or weight.shape != shape or weight.element_size() < 2:
        raise InvalidInput(
            f"the base's weight {name!r} ({weight.dtype}, {tuple(weight.shape)}) cannot take an adapter of {shape}",
            remedy="Export the adapter instead; a merged model needs a base whose weights are not quantised.",
            code="cannot_merge",
        )
    return lora.added_to(weight)


def _demand_all(lora: Mapping[str, LayerLora], plan: MergePlan) -> None:
    if lora:
        raise InvalidInput(
            f"{len(lora)} layers of the adapter stand in no weight of {plan.model_path}, {next(iter(lora))!r} first",
            remedy="Export the adapter instead: this base keeps several layers in one weight, or is another model.",
            code="cannot_merge",
        )


def _copy_beside(plan: MergePlan) -> None:
    for file in plan.model_path.iterdir():
        if file.is_file() and any(fnmatch(file.name, pattern) for pattern in _BESIDE):
            shutil.copyfile(file, plan.merged / file.name)
    if plan.dtype == "float32":
        config = plan.merged / "config.json"
        config.write_text(json.dumps(_with_dtype(json.loads(config.read_text())), indent=2))


def _with_dtype(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    told = {name: "float32" for name in ("dtype", "torch_dtype") if isinstance(config.get(name), str)}
    return {name: _with_dtype(value) for name, value in config.items()} | told


def weight_files(folder: Path) -> list[Path]:
    """Those that a loader reads: of the index, where there is one. Some checkpoints hold others beside them."""
    if (folder / _INDEX).exists():
        return [folder / name for name in sorted(set(json.loads((folder / _INDEX).read_text())["weight_map"].values()))]
    alone = folder / "model.safetensors"
    return [alone] if alone.exists() else sorted(folder.glob("*.safetensors"))


def dtype_of(folder: Path) -> torch.dtype:
    """That of the largest weight in the first file of a checkpoint."""
    with safe_open(weight_files(folder)[0], framework="pt") as opened:
        largest = max(opened.keys(), key=lambda name: math.prod(opened.get_slice(name).get_shape()))
        dtype: torch.dtype = opened.get_tensor(largest).dtype
        return dtype
