"""A small data set in a store on disk, with concept bank and chosen concepts, and step contexts over it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from services.generator.chat import Engine
from shared.artefacts import ArtefactWriter, read_manifest, read_rows
from shared.objects import ObjectStore, open_store
from shared.types.concepts import ConceptBank
from shared.types.lifecycle import StepName
from shared.types.records import Example, Record, ScoredConcept, Split
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from tests.services.generator.fake_engine import MODEL, FakeEngine

R = TypeVar("R", bound=Record)
BANK = ConceptBank(
    version=1,
    concepts={
        "Mellow Finch": ("a crimson wing", "a stubby beak", "a spotted breast"),
        "Sand Warbler": ("a yellow crest", "a forked tail", "a grey head"),
    },
)


@dataclass
class Scene:
    store: ObjectStore
    examples: list[Example]

    def of(self, *splits: Split) -> list[Example]:
        return [example for example in self.examples if example.split in splits]

    def label_of(self, image_sha256: str) -> str:
        return next(example.label for example in self.examples if example.sha256 == image_sha256)

    def context(
        self,
        step: StepName,
        params: Mapping[str, Any],
        *,
        attempt: int = 1,
        seed: int = 0,
        teacher: str = MODEL,
        base_model: str = "not-the-teacher",
        shard: int = 0,
        shards: int = 1,
        check: Callable[[], None] = lambda: None,
        progress: Callable[[int, int, Mapping[str, float]], None] = lambda done, total, metrics: None,
    ) -> StepContext:
        task = StepTask(
            step_id=f"j-1-{step}-{shard}",
            job_id="j",
            round=1,
            step=step,
            shard=shard,
            shards=shards,
            attempt=attempt,
            inputs={"examples": ("examples",), "concepts": ("concepts",), "concept_bank": ("bank.json",)},
            output_prefix=f"jobs/j/r1/{step}/s{shard}",
            base_model=base_model,
            teacher=teacher,
            seed=seed,
            params={"noun": "bird", "examples_per_part": 4, **params},
        )
        return StepContext(task=task, store=self.store, check=check, progress=progress)

    def rows(self, record: type[R], key: str) -> list[R]:
        return list(read_rows(self.store, [key], record))

    def figures(self, key: str) -> dict[str, float]:
        return read_manifest(self.store, key).figures

    def leave(self, name: str, record: type[R], rows: Sequence[R]) -> None:
        """As another step's artefact; `name` is its manifest's key."""
        write_rows(self.store, name, record, rows)

    def parts(self, step: StepName) -> dict[str, bytes]:
        keys = [key for key in self.store.list(f"jobs/j/r1/{step}") if key.endswith(".parquet")]
        return {key: self.store.get(key) for key in keys}


def number_as_image(number: int) -> bytes:
    """Bytes, at least."""
    return f"image {number}".encode()


def build_scene(
    folder: Path, train: int = 10, held_out: int = 3, image_of: Callable[[int], bytes] = number_as_image
) -> Scene:
    """Examples of the two classes in turn, each with an image of its own; two concepts chosen."""
    store = open_store(f"file://{folder}")
    sizes: dict[Split, int] = {"train": train, "validation": held_out, "test": held_out}
    splits = [split for split, size in sizes.items() for _ in range(size)]
    examples = [_example(store, number, split, image_of(number)) for number, split in enumerate(splits)]
    write_rows(store, "examples", Example, examples)
    write_rows(store, "concepts", ScoredConcept, [row for example in examples for row in _concepts_of(example)])
    store.put("bank.json", BANK.model_dump_json().encode())
    return Scene(store, examples)


def engine_at(fake: FakeEngine, **changes: Any) -> Engine:
    return Engine(fake.url, **{"in_flight": 8, "patience_s": 5.0, **changes})


def run(work: Callable[..., Any], context: StepContext, fake: FakeEngine) -> str:
    """The key of the manifest that the step left."""
    return str(work(context, engine_at(fake)).key)


def _example(store: ObjectStore, number: int, split: Split, image: bytes) -> Example:
    key = f"datasets/d/images/{number}.png"
    store.put(key, image)
    label = list(BANK.concepts)[number % 2]
    sha256 = hashlib.sha256(image).hexdigest()
    return Example(
        id=f"ex{number}", image_key=key, label=label, split=split, width=64, height=64, sha256=sha256, source=""
    )


def _concepts_of(example: Example) -> list[ScoredConcept]:
    return [
        ScoredConcept(example_id=example.id, concept=concept, score=-float(rank), rank=rank, chosen=rank < 2)
        for rank, concept in enumerate(BANK.concepts[example.label])
    ]


def write_rows(store: ObjectStore, name: str, record: type[R], rows: Sequence[R]) -> None:
    task = StepTask(
        step_id=name, job_id="j", round=0, step=StepName.INGEST, attempt=1, output_prefix=f"made/{name}",
        base_model="", teacher="", seed=0,
    )  # fmt: skip
    writer = ArtefactWriter(store, task, record)
    writer.put(0, rows)
    store.put(name, store.get(writer.finish(1).key))
