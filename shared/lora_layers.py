"""Which layers of a model get LoRA, by its structure: what the trainer trains and a server must serve.

transformers says which module sees images and which one writes. The projector is what gives vectors of the writing
module's width: it lies between the two, or is the end of the first. Pure: it takes the modules as they are, loaded or
only sketched from a config, and imports no torch. Knows no model's name.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from shared.errors import InvalidInput

IsLinear = Callable[[Any], bool]


@dataclass(frozen=True)
class LoraLayers:
    """Full names of linear layers. `tower` is the module that sees the image; none of its other layers is trained.

    `untrained` are parts of the language model that hold weights but are no linear layers, such as fused experts: LoRA
    cannot be put on them. Numbers of layers are replaced by `*` there.
    """

    tower: str
    language: tuple[str, ...]
    projector: tuple[str, ...]
    untrained: tuple[str, ...]


def lora_layers(model: Any, is_linear: IsLinear) -> LoraLayers:
    """`model` is an image-and-text model of transformers, with weights or on the device "meta".

    Raises InvalidInput when transformers does not say which module sees the image, or which one writes.
    """
    names = {id(module): name for name, module in model.named_modules()}
    tower, decoder = model.get_encoder(modality="image"), model.get_decoder()
    if not names.get(id(tower)) or not names.get(id(decoder)):
        raise InvalidInput(
            f"{type(model).__name__} does not say which of its modules sees images and which one writes",
            remedy="Use a vision-language model whose transformers class has a vision tower and a language model.",
            code="unsupported_model",
        )
    head = {names.get(id(model.get_output_embeddings()))}
    sees, writes = (_linear(names[id(part)], part, is_linear) for part in (tower, decoder))
    others = {
        name: layer for name, layer in _linear("", model, is_linear).items() if name not in {*sees, *writes} | head
    }
    width = int(model.config.get_text_config().hidden_size)
    own_parts = _parts(names[id(tower)], sees)
    # The part with the most layers is the tower's own depth, whatever its width.
    depth = max(own_parts.values(), key=len, default={})
    return LoraLayers(
        tower=names[id(tower)],
        language=tuple(name for name in writes if name not in head),
        projector=_giving(width, _parts(names[id(tower)].rpartition(".")[0], others).values())
        or _giving(width, [part for part in own_parts.values() if part is not depth]),
        untrained=tuple(_fused(names[id(decoder)], decoder, is_linear)),
    )


def pattern_of(wanted: Iterable[str], all_names: Iterable[str]) -> str:
    """A regular expression that of `all_names` fully matches the `wanted` ones and no other."""
    names = list(dict.fromkeys(wanted))
    others = set(all_names).difference(names)
    shapes: dict[str, list[str]] = {}
    for name in names:
        shapes.setdefault(_any_number(name), []).append(name)
    return "|".join(_alternative(shape, members, others) for shape, members in shapes.items())


def _any_number(name: str) -> str:
    return r"\.".join(r"\d+" if part.isdecimal() else re.escape(part) for part in name.split("."))


def _alternative(shape: str, members: list[str], others: set[str]) -> str:
    """Numbers stay open where that takes in no other module."""
    taken_in = any(re.fullmatch(shape, other) for other in others)
    return "|".join(map(re.escape, members)) if taken_in else shape


def _below(prefix: str, part: Any) -> dict[str, Any]:
    return {f"{prefix}.{name}".strip("."): module for name, module in part.named_modules() if name}


def _linear(prefix: str, part: Any, is_linear: IsLinear) -> dict[str, Any]:
    return {name: module for name, module in _below(prefix, part).items() if is_linear(module)}


def _parts(prefix: str, layers: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The layers by the child of the module `prefix` that they belong to."""
    parts: dict[str, dict[str, Any]] = {}
    for name, layer in layers.items():
        parts.setdefault(name.removeprefix(f"{prefix}.").partition(".")[0], {})[name] = layer
    return parts


def _giving(width: int, parts: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """All layers of the parts whose last layer gives vectors of this width."""
    return tuple(name for part in parts if list(part.values())[-1].out_features == width for name in part)


def _fused(prefix: str, decoder: Any, is_linear: IsLinear) -> list[str]:
    """Modules with a matrix of their own that is neither a linear layer's nor an embedding's."""
    found = {
        ".".join("*" if part.isdecimal() else part for part in name.split("."))
        for name, module in _below(prefix, decoder).items()
        if not is_linear(module)
        and not hasattr(module, "embedding_dim")
        and any(weight.ndim > 1 for weight in module.parameters(recurse=False))
    }
    return sorted(found)
