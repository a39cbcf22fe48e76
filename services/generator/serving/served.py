"""What the resolver and the front need to know of what is served. Put together in wiring.py."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.generator.adapters import AdapterFiles
from services.generator.serving.fit import Places


@dataclass(frozen=True)
class Served:
    """`request_defaults` are fields that a chat request gets when it does not have them. `sleeps`: vLLM is started so
    that it can be put to sleep."""

    files: AdapterFiles
    places: Places
    request_defaults: Mapping[str, bool]
    sleeps: bool = False
