"""Adapters by name: loaded into the model, merged while in use. Knows neither requests nor where files come from."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftModel, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file
from torch import Tensor

from services.generator.adapters import WEIGHTS
from shared.errors import InvalidInput

_RETRAIN = "Train the adapter anew on the served base model."


class LoadedAdapters:
    """The adapters in the model's memory; for the compute thread only. The least recently used one is dropped.

    The active adapter is merged into a copy of the weights that it changes, since its small products beside them would
    slow every step; the base's own weights are put back, bit by bit, when another becomes active.
    """

    def __init__(self, model: Any, limit: int) -> None:
        self._model, self._limit = model, limit
        self._peft: Any = None
        self._slots: OrderedDict[str, str] = OrderedDict()
        self._active: str | None = None
        self._base_weights: list[tuple[Any, Tensor]] = []
        self.loads = 0

    @property
    def names(self) -> list[str]:
        return list(self._slots)

    def activate(self, name: str | None, folder: Path | None) -> None:
        """Make the model answer as the adapter in `folder` does, or as the base (None).

        Raises InvalidInput when the adapter does not fit the model; the base is active then.
        """
        if name == self._active:
            return
        self._restore()
        if name is not None and folder is not None:
            if name not in self._slots:
                self._load(name, folder)
            self._slots.move_to_end(name)
            self._merge(name)

    def _load(self, name: str, folder: Path) -> None:
        slot = f"adapter{self.loads}"  # peft's own name; it becomes part of module names
        self.loads += 1
        try:
            self._inject(slot, folder)
        except (ValueError, RuntimeError) as error:
            self._drop(slot)
            raise InvalidInput(f"adapter {name!r} does not fit the model: {error}", remedy=_RETRAIN) from error
        self._slots[name] = slot
        if len(self._slots) > self._limit:
            self._drop(self._slots.popitem(last=False)[1])

    def _inject(self, slot: str, folder: Path) -> None:
        config = PeftConfig.from_pretrained(str(folder))
        if config.peft_type != "LORA" or config.use_dora or config.lora_bias or config.modules_to_save:
            raise ValueError("only plain LoRA is served: no DoRA, no biases, no modules_to_save")
        config.inference_mode = True
        if self._peft is None:
            self._peft = PeftModel(self._model, config, adapter_name=slot)
        else:
            self._peft.add_adapter(slot, config)
        for layer in self._layers():
            layer.enable_adapters(False)
        result = set_peft_model_state_dict(self._peft, load_file(folder / WEIGHTS), adapter_name=slot)
        missing = [key for key in result.missing_keys if slot in key.split(".")]
        if missing or result.unexpected_keys:
            raise ValueError(f"no match for {', '.join([*result.unexpected_keys, *missing][:6])}")

    def _drop(self, slot: str) -> None:
        if self._peft is not None and slot in self._peft.peft_config:
            self._peft.delete_adapter(slot)

    def _merge(self, name: str) -> None:
        slot = self._slots[name]
        for layer in self._layers():
            if slot in layer.lora_A or slot in layer.lora_embedding_A:
                weight = layer.get_base_layer().weight
                self._base_weights.append((weight, weight.data))
                weight.data = weight.data + layer.get_delta_weight(slot).to(weight.dtype)
        self._active = name

    def _restore(self) -> None:
        for weight, values in self._base_weights:
            weight.data = values
        self._base_weights.clear()
        self._active = None

    def _layers(self) -> list[Any]:
        return [module for module in self._model.modules() if isinstance(module, LoraLayer)]
