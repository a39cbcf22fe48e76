"""Adapters by name, as files: from the object store into a bounded local cache. Knows nothing of models or requests."""

from services.generator.adapters.files import AdapterFiles
from services.generator.adapters.pointer import CONFIG, WEIGHTS

__all__ = ["CONFIG", "WEIGHTS", "AdapterFiles"]
