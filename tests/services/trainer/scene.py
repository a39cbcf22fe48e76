"""A data set of coloured squares with answers that name the colour, and a train step's task over it."""

import hashlib
import io
from pathlib import Path
from typing import Any

from PIL import Image

from services.trainer.wiring import TrainerSettings
from shared.artefacts import ArtefactWriter
from shared.objects import ObjectStore
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, Example
from shared.types.tasks import StepTask

COLOURS = {"Redfinch": (200, 30, 30), "Greenwing": (30, 180, 40), "Bluecap": (30, 40, 200), "Greytail": (120, 120, 120)}
QUESTION = "What bird is this?"
QUESTIONS = (QUESTION, "Which bird is it, and why?", "Name this bird.", "What is its name?")
SETTINGS: dict[str, Any] = {
    "lora_rank": 8,
    "lora_alpha": 16,
    "learning_rate": 5e-3,
    "epochs": 1.5,
    "batch_size": 4,
    "max_length": 128,
    "checkpoint_every": 2,
    "gradient_checkpointing": False,
}


def trainer_settings(folder: Path, model: Path) -> TrainerSettings:
    return TrainerSettings.model_validate(
        {
            "store_url": f"file://{folder}/store",
            "redis_url": "redis://127.0.0.1:1",
            "coordinator_url": "http://127.0.0.1:1",
            "worker_token": "token",
            "models": {"tiny": model},
            "work_dir": folder / "work",
            "trainer_threads": 1,
        }
    )


def task_for(inputs: dict[str, tuple[str, ...]], attempt: int = 1, round_: int = 1, **train: Any) -> StepTask:
    return StepTask(
        step_id=f"job-{round_}-train-0",
        job_id="job",
        round=round_,
        step=StepName.TRAIN,
        attempt=attempt,
        inputs=inputs,
        output_prefix=f"jobs/job/r{round_}/train/s0",
        base_model="tiny",
        teacher="tiny",
        seed=7,
        params={"train": SETTINGS | train},
    )


def put_inputs(store: ObjectStore, kept: int = 16, questions: int = 1) -> dict[str, tuple[str, ...]]:
    """Images, examples and pairs: 16 pairs, of 16 images or of fewer with as many `questions` (1, 2 or 4) each. Of 17
    candidates the first `kept` are kept."""
    shades = range(4 // questions)
    examples = [_example(store, label, colour, shade) for label, colour in COLOURS.items() for shade in shades]
    asked = [(example, number) for example in examples for number in range(questions)]
    pairs = [
        candidate(example.id, f"It is a {example.label} bird.", place < kept, number)
        for place, (example, number) in enumerate(asked)
    ]
    pairs.append(candidate(examples[0].id, "It is a bird, but which?", kept=False))
    return {
        "examples": (artefact(store, Example, examples, "examples"),),
        "pairs": (artefact(store, Candidate, pairs, "pairs"),),
    }


def candidate(example_id: str, text: str, kept: bool, question: int = 0) -> Candidate:
    return Candidate(
        example_id=example_id,
        question_id=question,
        kind="explain",
        question=QUESTIONS[question],
        sample=0,
        source="synthesised",
        text=text,
        finish_reason="stop",
        score=None,
        kept=kept,
        reason="best" if kept else "no_label",
    )


def artefact(store: ObjectStore, record: type[Any], rows: list[Any], name: str) -> str:
    task = task_for({}).model_copy(update={"output_prefix": f"inputs/{name}"})
    writer = ArtefactWriter(store, task, record)
    writer.put(0, rows)
    return writer.finish(1).key


def _example(store: ObjectStore, label: str, colour: tuple[int, int, int], shade: int) -> Example:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), tuple(min(255, part + 8 * shade) for part in colour)).save(picture, "PNG")
    sha256 = hashlib.sha256(picture.getvalue()).hexdigest()
    key = f"datasets/ds/images/{sha256}.png"
    store.put(key, picture.getvalue())
    return Example(
        id=f"{label}-{shade}", image_key=key, label=label, split="train", width=64, height=64, sha256=sha256, source="x"
    )
