"""What a name of an adapter means: `adapters/{name}.json` says where its files are. Made once, never changed."""

import json
import re
from dataclasses import dataclass

from shared.errors import InvalidInput, NotFound
from shared.objects import ObjectStore

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Pointer:
    """`sha256` is that of the weights; `prefix` is without a slash at its end."""

    prefix: str
    sha256: str


def read_pointer(store: ObjectStore, name: str, base_model: str) -> Pointer:
    """Raises NotFound for an unknown name, InvalidInput for an adapter of another base model, StoreUnavailable."""
    unknown = NotFound(f"the model {name!r} does not exist", remedy="GET /v1/models lists what is served.")
    if not _NAME.fullmatch(name):
        raise unknown
    try:
        fields = json.loads(store.get(f"adapters/{name}.json"))
    except NotFound as error:
        raise unknown from error
    if fields["base_model"] != base_model:
        raise InvalidInput(
            f"adapter {name!r} was trained on {fields['base_model']!r}, this engine serves {base_model!r}",
            remedy="Ask an engine that serves that base model.",
        )
    return Pointer(str(fields["prefix"]).rstrip("/"), str(fields["sha256"]))
