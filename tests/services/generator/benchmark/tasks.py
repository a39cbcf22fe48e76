"""Small tasks of our own for the real lmms-eval, from local pictures, and what a step needs to run them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.generator.benchmark.place import Place
from shared.objects import open_store
from shared.types.lifecycle import StepName
from shared.types.tasks import StepTask
from shared.worker.context import StepContext

PYTHON = Path(__file__).parents[4] / ".venv-lmms-eval" / "bin" / "python"
QUESTION = "What kind of bird is this, and why?"
MOST_TOKENS = 24
_UTILS = """
import io

from PIL import Image


def visual(doc):
    return [Image.open(io.BytesIO(doc["image"])).convert("RGB")]


def scores(doc, answers):
    return {"words": float(len(answers[0].split())), "says_long": float("long" in answers[0])}
"""
_TASK = """
task: {name}
dataset_path: parquet
dataset_kwargs: {{data_files: {{test: "{images}"}}}}
test_split: test
output_type: {output_type}
doc_to_visual: !function utils.visual
doc_to_text: "{question}"
doc_to_target: label
process_results: !function utils.scores
generation_kwargs: {{max_new_tokens: {most_tokens}, temperature: 0}}
metric_list:
  - {{metric: words, aggregation: mean, higher_is_better: true}}
  - {{metric: says_long, aggregation: mean, higher_is_better: false}}
"""


def installed() -> Path:
    """lmms-eval's Python. Absent: skipped; absent where CI=true: a failure."""
    if not PYTHON.exists():
        message = "lmms-eval is not installed; run tools/install_lmms_eval.sh"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return PYTHON


def task_folder(folder: Path, pictures: Sequence[bytes], name: str = "own_pictures", **changes: str) -> Path:
    """A folder for `--include_path` with one task over these pictures (PNG or JPEG)."""
    folder.mkdir()
    images = folder / "images.parquet"
    rows = [{"image": picture, "label": f"bird {number}"} for number, picture in enumerate(pictures)]
    pq.write_table(pa.Table.from_pylist(rows), images)
    (folder / "utils.py").write_text(_UTILS)
    filled = {"name": name, "images": images, "question": QUESTION, "most_tokens": MOST_TOKENS}
    (folder / f"{name}.yaml").write_text(_TASK.format(**{"output_type": "generate_until", **filled, **changes}))
    return folder


def place(*folders: Path) -> Place:
    return Place(installed(), folders)


@dataclass
class Heard:
    """What a step told of itself."""

    words: list[str] = field(default_factory=list)
    requests: float = 0.0

    def progress(self, done: int, total: int, metrics: Any) -> None:
        self.requests = metrics["requests"]


def context(store: Path, teacher: str, heard: Heard, benchmark: Any, **how: Any) -> StepContext:
    task = StepTask(
        step_id=f"j-{teacher}-benchmark-0", job_id="j", round=1, step=StepName.BENCHMARK, attempt=1, base_model="base",
        teacher=teacher, seed=0, output_prefix=f"jobs/j/{teacher}/benchmark/s0", inputs=how.pop("inputs", {}),
        params={"benchmark": benchmark},
    )  # fmt: skip
    opened = open_store(f"file://{store}")
    return StepContext(task=task, store=opened, progress=heard.progress, tell=heard.words.append, **how)
