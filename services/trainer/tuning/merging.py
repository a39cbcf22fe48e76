"""LoRA weights as numbers: what they add to a layer, and two of them as one. Knows files and tensors, no training.

All sums are taken in float32, whatever the weights are kept in.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from shared.errors import SystemFault

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_BEFORE = "base_model.model."


@dataclass(frozen=True)
class LayerLora:
    """`a` [rank, inputs] and `b` [outputs, rank], with `scale` between their product and the layer's weight."""

    a: Tensor
    b: Tensor
    scale: float

    def added_to(self, weight: Tensor) -> Tensor:
        """[outputs, inputs], on the weight's device and in its dtype, rounded once."""
        a, b = (half.to(weight.device, torch.float32) for half in (self.a, self.b))
        return (weight.float() + self.scale * (b @ a)).to(weight.dtype)


def read_lora(folder: Path) -> dict[str, LayerLora]:
    """By layer, in the words of the model in memory. Raises SystemFault for an adapter that is more than plain LoRA."""
    config = json.loads((folder / CONFIG).read_text())
    halves: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_file(folder / WEIGHTS).items():
        layer, _, half = key.removeprefix(_BEFORE).rpartition(".lora_")
        halves.setdefault(layer, {})[half] = tensor
    strange = [layer for layer, found in halves.items() if not layer or found.keys() != {"A.weight", "B.weight"}]
    if strange or any(config.get(more) for more in ("use_dora", "modules_to_save", "fan_in_fan_out")):
        raise SystemFault(
            f"the adapter {folder.name} is not plain LoRA on linear layers ({', '.join(strange[:3]) or 'its config'})",
            remedy="Only adapters that this trainer made can be merged.",
            code="adapter_not_plain",
        )
    return {
        layer: LayerLora(half["A.weight"], half["B.weight"], _scale(config, half["A.weight"].shape[0]))
        for layer, half in halves.items()
    }


def merge_into(model: torch.nn.Module, adapter: Path) -> None:
    """Add the adapter in the folder `adapter` to the model's weights, in place."""
    for layer, lora in read_lora(adapter).items():
        weight = model.get_parameter(f"{layer}.weight")
        weight.data = lora.added_to(weight.data)


def concatenate(first: Path, second: Path, folder: Path) -> None:
    """Write into `folder` one adapter that says what `first` merged into the base says with `second` on top of it.

    A = [A1; A2] and B = [s1*B1, s2*B2], so its rank is the sum of both ranks and its scale is 1: exact, as a sum is.
    Everything else in its config is `second`'s. `folder` may be one of the others.
    """
    config: dict[str, Any] = json.loads((second / CONFIG).read_text())
    one, two = read_lora(first), read_lora(second)
    if one.keys() != two.keys():
        raise SystemFault(
            f"the adapters do not train the same layers: {sorted(one.keys() ^ two.keys())[:3]}",
            remedy="Keep train.projector the same in all rounds.",
        )
    weights: dict[str, Tensor] = {}
    for layer, upper in two.items():
        lower = one[layer]
        weights[f"{_BEFORE}{layer}.lora_A.weight"] = torch.cat([lower.a.float(), upper.a.float()])
        scaled = [lower.scale * lower.b.float(), upper.scale * upper.b.float()]
        weights[f"{_BEFORE}{layer}.lora_B.weight"] = torch.cat(scaled, dim=1).contiguous()
    rank = sum(_rank_of(lora) for lora in (one, two))
    folder.mkdir(exist_ok=True)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    plain = {"r": rank, "lora_alpha": rank, "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}}
    (folder / CONFIG).write_text(json.dumps(config | plain, indent=2, sort_keys=True))


def _rank_of(lora: Mapping[str, LayerLora]) -> int:
    return int(next(iter(lora.values())).a.shape[0])


def _scale(config: Mapping[str, Any], rank: int) -> float:
    """As peft has it; our adapters have one rank and one alpha for all layers."""
    return float(config["lora_alpha"]) / (math.sqrt(rank) if config.get("use_rslora") else rank)
