"""Weights' names that published checkpoints have and transformers shortens when it saves. Pure: no tensors.

transformers loads both; vLLM knows the published names only.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def hidden_prefixes(model: Any, changes_of: Callable[[str], Iterable[Any] | None]) -> dict[str, str]:
    """Modules of a transformers model whose weights' names lose a part on loading, with that part.

    `changes_of` is transformers' get_checkpoint_conversion_mapping, which knows it by class.
    """
    found = {}
    for name, module in model.named_modules():
        for change in changes_of(type(module).__name__) or ():
            if prefix := getattr(change, "prefix_to_remove", None):
                found[name] = prefix
    return found


def published_name(name: str, hidden: Mapping[str, str]) -> str:
    """A weight's name with the parts that published checkpoints have; one that has them stays as it is."""
    for module, prefix in hidden.items():
        short = re.escape(module.removeprefix("model."))
        name = re.sub(rf"^((?:model\.)?{short})\.(?!{re.escape(prefix)}\.)", rf"\1.{prefix}.", name)
    return name
