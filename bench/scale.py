"""What grows with images, shards and jobs, on generated rows: a coordinator's look at a job, and rows in memory.

CPU milliseconds and counts, since other work on the machine changes neither much. Writes bench/results/scale.json.
"""

import json
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import event

from selfsynth.stack import running_postgres, running_valkey
from services.api.database.connection import Database
from services.api.database.models import Attempt, Dataset, Job, Step
from services.api.reconcile.reading import Reader
from services.api.reconcile.truth import Policy
from services.selector.inputs import Candidates, chosen_concepts
from shared.artefacts import ArtefactWriter, read_rows
from shared.job_settings import JobSettings
from shared.objects import ObjectStore, open_store
from shared.queues import Messages, connect
from shared.sharding import cut
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, Example, Record, ScoredConcept
from shared.types.tasks import StepTask, step_id
from shared.worker.context import StepContext

SHARDS = (1, 100, 1000)
LOOKS = 20
IMAGES, CONCEPTS, CHOSEN, QUESTIONS, ANSWERS = 1000, 40, 14, 8, 3
_RESULT = Path(__file__).parent / "results" / "scale.json"
_LATER = datetime.now(UTC) + timedelta(hours=1)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {"look_at_a_job": _looks(folder), "selection_memory": _memory(open_store((folder / "s").as_uri()))}
    print(json.dumps(figures, indent=1))
    _RESULT.write_text(json.dumps(figures, indent=1) + "\n")


def _looks(folder: Path) -> list[dict[str, float]]:
    """The coordinator reads a running job every second. By the shards of its step, eight of which run."""
    with running_postgres(folder / "pg") as url, running_valkey(folder / "valkey") as redis_url:
        database = Database(url)
        database.migrate()
        reader = Reader(database, Messages(connect(redis_url)), Policy())
        found = []
        for shards in SHARDS:
            job_id = _job(database, shards)
            reader.read(job_id)
            with _statements(database) as statements:
                began = time.process_time()
                for _ in range(LOOKS):
                    reader.read(job_id)
                cpu_s = time.process_time() - began
            found.append(
                {
                    "shards": shards,
                    "cpu_ms": round(1000 * cpu_s / LOOKS, 2),
                    "statements": len(statements) / LOOKS,
                }
            )
        database.close()
    return found


def _job(database: Database, shards: int) -> str:
    job_id = f"job_{shards}"
    facts = {"model": "m", "rounds": 4, "method": "default", "seed": 0, "settings": JobSettings().model_dump()}
    with database.transaction() as session:
        session.merge(Dataset(id="ds", name="n", status="ready", source={}))
        session.flush()
        where = {"round": 1, "step": "describe"}
        session.add(Job(id=job_id, kind="tuning", status="running", dataset_id="ds", **where, **facts))
        session.flush()
        attempts = []
        for shard in range(shards):
            key, is_running = step_id(job_id, 1, StepName.DESCRIBE, shard), shard < 8
            status = "running" if is_running else "succeeded"
            session.add(Step(id=key, job_id=job_id, **where, shard=shard, shards=shards, status=status))
            outcome = None if is_running else "succeeded"
            now = datetime.now(UTC)
            attempts.append(Attempt(step_id=key, number=1, started_at=now, lease_until=_LATER, outcome=outcome))
        session.flush()
        session.add_all(attempts)
    return job_id


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    found: list[str] = []

    def note(*arguments: Any) -> None:
        found.append(arguments[2])

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def _memory(store: ObjectStore) -> dict[str, float]:
    """Bytes an image at the peak, all rows held against what the selector does: `select_answers` reads the chosen
    concepts, and the candidates part by part."""
    context = _context(store)
    examples = _examples(context)

    def streamed() -> None:
        chosen_concepts(context, examples)
        candidates = Candidates(context, examples)
        for part in cut(examples, 32):
            candidates.of(part)

    def all_rows() -> list[list[Record]]:
        names = {"concepts": ScoredConcept, "candidates": Candidate}
        return [list(read_rows(store, context.task.inputs[name], kind)) for name, kind in names.items()]

    return {
        "images": IMAGES,
        "example_bytes": _peak_bytes(lambda: _examples(context)) / IMAGES,
        "all_rows_bytes_an_image": _peak_bytes(all_rows) / IMAGES,
        "selector_bytes_an_image": _peak_bytes(streamed) / IMAGES,
        "concepts_bytes_an_image": _peak_bytes(lambda: chosen_concepts(context, examples)) / IMAGES,
    }


def _examples(context: StepContext) -> list[Example]:
    return list(read_rows(context.store, context.task.inputs["examples"], Example))


def _peak_bytes(do: Callable[[], object]) -> int:
    tracemalloc.start()
    do()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _context(store: ObjectStore) -> StepContext:
    draw = random.Random(0)
    words = [f"w{draw.randrange(10_000)}" for _ in range(3000)]

    def text(length: int) -> str:
        return " ".join(draw.choices(words, k=length))

    examples = [_example(number) for number in range(IMAGES)]
    bank = [[text(4) for _ in range(CONCEPTS)] for _ in range(50)]
    concepts = [
        [ScoredConcept(example_id=e.id, concept=c, score=-k, rank=k, chosen=k < CHOSEN) for k, c in enumerate(own)]
        for e, own in zip(examples, cycle(bank), strict=False)
    ]
    candidates = [
        [_candidate(e.id, q, k, text(15), text(60)) for q in range(QUESTIONS) for k in range(ANSWERS)] for e in examples
    ]
    inputs = {
        "examples": (_put(store, "examples", Example, [[e] for e in examples]),),
        "concepts": (_put(store, "concepts", ScoredConcept, concepts),),
        "candidates": (_put(store, "candidates", Candidate, candidates),),
    }
    return StepContext(_task("select_answers", inputs), store)


def _put(store: ObjectStore, name: str, record: type[Record], rows: list[list[Any]]) -> str:
    writer = ArtefactWriter(store, _task(name, {}), record)
    parts = cut(rows, 32)
    for number, part in enumerate(parts):
        writer.put(number, [row for of_one in part for row in of_one])
    return writer.finish(len(parts)).key


def _task(prefix: str, inputs: dict[str, tuple[str, ...]]) -> StepTask:
    return StepTask(
        step_id=step_id("j", 2, StepName.SELECT_ANSWERS, 0),
        job_id="j",
        round=2,
        step=StepName.SELECT_ANSWERS,
        attempt=1,
        inputs=inputs,
        output_prefix=prefix,
        base_model="m",
        teacher="m",
        seed=0,
    )


def _example(number: int) -> Example:
    name = f"img_{number:07d}"
    return Example(
        id=name,
        image_key=f"images/{number:064x}.jpg",
        label=f"class {number % 50}",
        split="train",
        width=500,
        height=375,
        sha256=f"{number:064x}",
        source=f"{name}.jpg",
    )


def _candidate(example_id: str, question: int, sample: int, asked: str, text: str) -> Candidate:
    return Candidate(
        example_id=example_id,
        question_id=question,
        kind="explain",
        question=asked,
        sample=sample,
        source="answer",
        text=text,
        finish_reason="stop",
        score=None,
        kept=False,
        reason="",
    )


if __name__ == "__main__":
    main()
