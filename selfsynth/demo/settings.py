"""The demo's job settings, chosen on its validation split (docs/benchmarks.md tells how)."""

from typing import Any

ROUNDS = 3

JOB: dict[str, Any] = {
    "noun": "bird",
    "questions": "generic",  # the only ones that the shipped model has learnt
    "examples_per_part": 40,
    "describe": {"instructions": 3, "samples": 2, "temperature": 0.5, "max_tokens": 112},
    "select_concepts": {"evidence": "clause", "threshold_std": -0.2},
    "synthesise": {"questions": 4, "max_tokens": 112},
    "answer": {"questions": 3, "samples": 3, "temperature": 0.7, "top_p": 0.95, "max_tokens": 112},
    "train": {
        "lora_rank": 32,
        "lora_alpha": 64,
        "lora_dropout": 0.0,
        "learning_rate": 4e-3,
        "adam_beta2": 0.98,
        "round_decay": 0.75,
        "epochs": 4,
        "batch_size": 5,
        # In so small a batch the pairs should be of different images.
        "packing": "off",
        "max_length": 512,
        "precision": "float32",
        "gradient_checkpointing": False,
        "checkpoint_every": 200,
    },
    "evaluate": {"max_tokens": 112},
}

# Label-only training: simple questions, whose answers name the class and nothing else; as many pairs and steps.
ONLY_SIMPLE = {"explain": 0.0, "simple": 1.0, "step_by_step": 0.0}


def control_settings() -> dict[str, Any]:
    """The demo's settings with every question a simple one."""
    return JOB | {
        "synthesise": JOB["synthesise"] | {"mix": ONLY_SIMPLE},
        "answer": JOB["answer"] | {"mix": ONLY_SIMPLE},
        "evaluate": JOB["evaluate"] | {"kind": "simple"},
    }
