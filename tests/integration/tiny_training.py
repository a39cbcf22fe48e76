"""How a tiny model is trained on a processor, for jobs that must end soon and need not learn much."""

from typing import Any

TRAIN: dict[str, Any] = {
    "epochs": 1,
    "max_length": 512,
    "precision": "float32",
    "gradient_checkpointing": False,
}
