"""From transformers' names of layers to those of vLLM, which packs some of them into one. Pure."""

import re
from collections.abc import Iterable

_PACKED = ((r"\.[qkv]_proj$", ".qkv_proj"), (r"\.(?:gate|up)_proj$", ".gate_up_proj"))


def served_name(name: str) -> str:
    """`model.language_model.layers.0.self_attn.q_proj` -> `language_model.model.layers.0.self_attn.qkv_proj`."""
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        name = name.replace("language_model.", "language_model.model.", 1)
    for layers, packed in _PACKED:
        name = re.sub(layers, packed, name)
    return name


def served_names(names: Iterable[str]) -> list[str]:
    """Full names, each once: a bare `down_proj` would match some vision towers too."""
    return list(dict.fromkeys(map(served_name, names)))
