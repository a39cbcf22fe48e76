"""What can be known of a model's folder before anything is loaded: its files and the names of its weights."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from shared.errors import InvalidInput
from shared.weight_names import published_name

_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_TEMPLATE_HOLDERS = ("tokenizer_config.json", "processor_config.json")


def check_files(folder: Path) -> None:
    """Raises InvalidInput when config, weights or chat template are missing."""
    if not (folder / "config.json").is_file():
        raise InvalidInput(
            f"there is no model in {folder}: it holds no config.json",
            remedy="Name the folder of a checkpoint in SELFSYNTH_ENGINE_MODEL.",
        )
    if not any(folder.glob("*.safetensors")):
        raise InvalidInput(
            f"the model in {folder} has no weights: there is no *.safetensors file",
            remedy="Download the whole checkpoint; weights in older formats are not served.",
        )
    if not _has_template(folder):
        raise InvalidInput(
            f"the model in {folder} has no chat template, so that no question could be asked",
            remedy="Put the template that it was trained with into chat_template.jinja beside it.",
        )


def _has_template(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _TEMPLATES):
        return True
    held = (folder / name for name in _TEMPLATE_HOLDERS)
    return any("chat_template" in json.loads(file.read_text()) for file in held if file.is_file())


def check_weight_names(folder: Path, hidden_prefixes: Mapping[str, str]) -> None:
    """Raises InvalidInput when the weights are named as transformers saves them and vLLM does not know them.

    `hidden_prefixes`: see Architecture.
    """
    for name in weight_names(folder):
        published = published_name(name, hidden_prefixes)
        if published != name:
            raise InvalidInput(
                f"vLLM does not know the weight {name!r} of the model in {folder}: transformers shortens it when it "
                f"saves, and vLLM wants {published!r}",
                remedy="Give it and its like the longer names; transformers loads both.",
            )


def weight_names(folder: Path) -> list[str]:
    """From the headers of the safetensors files, in which names stand as JSON behind their length in 8 bytes."""
    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            try:
                (length,) = struct.unpack("<Q", file.read(8))
                names += json.loads(file.read(length))
            except (struct.error, ValueError, MemoryError, OverflowError) as error:
                raise InvalidInput(
                    f"{path} is no safetensors file: {error}", remedy="Download the checkpoint anew."
                ) from error
    return [name for name in names if name != "__metadata__"]
