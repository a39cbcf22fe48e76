"""Loads the base model's processor: its tokenizer, image processor and chat template. Knows no data.

transformers' processors of models that also see videos insist on torchvision, for the videos. Training has none, so
they are taken without that part where torchvision is not installed.
"""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import is_torchvision_available

_VIDEO = "video_processor"


def load_processor(model_path: Path) -> Any:
    """The processor of the checkpoint in the folder `model_path`."""
    kind = PROCESSOR_MAPPING.get(type(AutoConfig.from_pretrained(model_path)), None)
    if is_torchvision_available() or kind is None or _VIDEO not in kind.get_attributes():
        return AutoProcessor.from_pretrained(model_path)
    return without_videos(kind).from_pretrained(model_path)


def without_videos(kind: Any) -> Any:
    """The processor class `kind` with one part fewer; it is saved under the same name."""
    attributes = [attribute for attribute in kind.get_attributes() if attribute != _VIDEO]
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda cls: attributes)})
