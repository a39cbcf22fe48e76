"""What a checkpoint's weights are called: in its files, in the model in memory, and as published. Loads none."""

from pathlib import Path

from transformers.conversion_mapping import get_checkpoint_conversion_mapping, get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from services.trainer.tuning.lora import sketched
from shared.weight_names import hidden_prefixes, published_name


class WeightNames:
    """Names in the checkpoint at `folder`. transformers itself tells which module each belongs to."""

    def __init__(self, folder: Path) -> None:
        model = sketched(folder)
        changes = get_model_conversion_mapping(model)
        self._renamings = [change for change in changes if isinstance(change, WeightRenaming)]
        self._converters = [change for change in changes if isinstance(change, WeightConverter)]
        self._prefix = model.base_model_prefix
        self._in_memory = model.state_dict()
        self._hidden = hidden_prefixes(model, get_checkpoint_conversion_mapping)

    def module_of(self, name: str) -> str | None:
        """The layer whose `weight` this is, in memory; None where the weight becomes several, or part of one."""
        changes = (self._renamings, self._converters)
        renamed, converted = rename_source_key(name, *changes, self._prefix, self._in_memory)
        if renamed not in self._in_memory and name in self._in_memory:
            renamed, converted = rename_source_key(name, [], [], self._prefix, self._in_memory)
        if converted is not None or not renamed.endswith(".weight"):
            return None
        return str(renamed.removesuffix(".weight"))

    def published(self, name: str) -> str:
        return published_name(name, self._hidden)
