"""From transformers' names of layers to those of vLLM, which packs some of them into one. Pure."""

import re
from collections.abc import Iterable

_PACKED = ((r"\.[qkv]_proj$", ".qkv_proj"), (r"\.(?:gate|up)_proj$", ".gate_up_proj"))


def served_name(name: str) -> str:
    """`model.language_model.layers.0.self_attn.q_proj` -> `language_model.model.layers.0.self_attn.qkv_proj`."""
    name = name.removeprefix("model.")
    return _packed(name.replace("language_model.", "language_model.model.", 1) if _is_nested(name) else name)


def served_names(names: Iterable[str]) -> list[str]:
    """Full names, each once: a bare `down_proj` would match some vision towers too.

    vLLM arranges anew the models whose language model transformers calls `language_model`; others it leaves alone.
    """
    known = list(names)
    arranged = any(_is_nested(name.removeprefix("model.")) for name in known)
    return list(dict.fromkeys(served_name(name) if arranged else _packed(name) for name in known))


def _is_nested(name: str) -> bool:
    return name.startswith("language_model.")


def _packed(name: str) -> str:
    for layers, packed in _PACKED:
        name = re.sub(layers, packed, name)
    return name
