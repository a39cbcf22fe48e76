"""Whether an adapter fits what is served: vLLM ignores silently what it has no place for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from services.generator.adapters import CONFIG, WEIGHTS
from services.generator.serving.architecture import Shape
from shared.errors import InvalidInput

_KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.(?P<half>lora_[AB])\.weight")
# Features of peft that change what an adapter means and that are not served.
_BEYOND = ("use_dora", "lora_bias", "modules_to_save", "layer_replication", "alora_invocation_tokens")
_REMEDY = "Train the adapter anew on the served base model."


@dataclass(frozen=True)
class Places:
    """The served layers by transformers' names, with (outputs, inputs) of each, and the largest rank."""

    layers: Mapping[str, Shape]
    max_rank: int

    def check(self, folder: Path, name: str) -> None:
        """Raises InvalidInput with everything that has no place, and why."""
        wrong = _config_faults(folder, self.max_rank) or self._weight_faults(folder)
        if wrong:
            shown = "; ".join(wrong[:6]) + (f"; and {len(wrong) - 6} more" if len(wrong) > 6 else "")
            raise InvalidInput(f"adapter {name!r} does not fit what is served: {shown}", remedy=_REMEDY)

    def _weight_faults(self, folder: Path) -> list[str]:
        try:
            with safe_open(folder / WEIGHTS, framework="np") as file:
                shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            return [f"its weights cannot be read: {error}"]
        if not shapes:
            return ["it has no weights"]
        return [fault for key, shape in shapes.items() if (fault := self._key_fault(key, shape, shapes))]

    def _key_fault(self, key: str, shape: tuple[int, ...], others: Mapping[str, Any]) -> str | None:
        match = _KEY.fullmatch(key)
        if match is None or match["layer"] not in self.layers:
            return f"no layer is served for {key}"
        outputs, inputs = self.layers[match["layer"]]
        is_a = match["half"] == "lora_A"
        if key.replace(match["half"], "lora_B" if is_a else "lora_A") not in others:
            return f"{key} lacks its other half"
        if len(shape) != 2 or shape[1 if is_a else 0] != (inputs if is_a else outputs):
            return f"{key} is {'x'.join(map(str, shape))}, the layer {outputs}x{inputs}"
        rank = shape[0 if is_a else 1]
        return f"{key} has rank {rank}, at most {self.max_rank} is served" if rank > self.max_rank else None


def _config_faults(folder: Path, max_rank: int) -> list[str]:
    try:
        config = json.loads((folder / CONFIG).read_text())
    except ValueError as error:
        return [f"its {CONFIG} is no JSON: {error}"]
    faults = [f"{key} is set, only plain LoRA is served" for key in _BEYOND if config.get(key)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none":
        faults.append("it is no plain LoRA")
    rank = max([config.get("r", 0), *(config.get("rank_pattern") or {}).values()])
    if rank > max_rank:
        faults.append(
            f"its rank is {rank}, at most {max_rank} is served (SELFSYNTH_ENGINE_MAX_LORA_RANK of the server raises it)"
        )
    return faults
