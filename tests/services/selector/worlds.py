"""Small worlds for the selector's tests: examples, banks and texts in a real store, and an encoder without weights."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shared.artefacts import ArtefactWriter, read_rows
from shared.objects import ObjectStore, open_store
from shared.types.concepts import ConceptBank
from shared.types.encoders import EncoderFacts
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, Description, Example, Record, ScoredConcept
from shared.types.tasks import StepTask, step_id
from shared.worker.context import StepContext

_WIDTH = 6


class TableEncoder:
    """Looks texts up in a table; a text that is not there gets a direction of its own. Counts what it embeds."""

    def __init__(self, vectors: Mapping[str, Sequence[float]] | None = None) -> None:
        self._vectors = dict(vectors or {})
        self.embedded = 0

    @property
    def facts(self) -> EncoderFacts:
        return EncoderFacts(name="table", prefix="", identity=_sha256(repr(sorted(self._vectors.items()))))

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.embedded += len(texts)
        rows = [torch.tensor(self._vectors.get(text) or _direction(text), dtype=torch.float64) for text in texts]
        return torch.nn.functional.normalize(torch.stack(rows), dim=-1) if rows else torch.zeros(0, _WIDTH).double()


def _direction(text: str) -> list[float]:
    return [byte - 127.5 for byte in bytes.fromhex(_sha256(text))[:_WIDTH]]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def example(key: str, label: str) -> Example:
    return Example(
        id=key, image_key=f"i/{key}", label=label, split="train", width=8, height=8, sha256="0", source=f"{key}.png"
    )


def description(example_id: str, text: str, sample: int = 0) -> Description:
    return Description(example_id=example_id, instruction=0, sample=sample, text=text, finish_reason="stop")


def candidate(text: str, sample: int = 0, example_id: str = "x", question_id: int = 0, **fields: Any) -> Candidate:
    facts: dict[str, Any] = {"source": "answer", "finish_reason": "stop", "score": None, "kept": False, "reason": ""}
    return Candidate(
        example_id=example_id,
        question_id=question_id,
        kind="explain",
        question="What kind of bird is this, and why?",
        sample=sample,
        text=text,
        **{**facts, **fields},
    )


@dataclass
class World:
    """A store with a data set, from which step contexts are made."""

    folder: Path
    examples: Sequence[Example]
    bank: dict[str, tuple[str, ...]]
    params: dict[str, Any] = field(default_factory=dict)
    _put_count: int = 0

    def __post_init__(self) -> None:
        self.store: ObjectStore = open_store(f"file://{self.folder}")
        body = ConceptBank(version=1, concepts=self.bank).model_dump_json().encode()
        self.store.put("bank.json", body)
        self.inputs = {"concept_bank": ("bank.json",), "examples": (self.put("ingest", Example, self.examples),)}

    def put(self, name: str, record: type[Record], rows: Sequence[Record]) -> str:
        """The key of a new finished artefact with these rows."""
        self._put_count += 1
        writer = ArtefactWriter(self.store, self._task(StepName.INGEST, f"{name}-{self._put_count}", 1, {}), record)
        writer.put(0, rows)
        return writer.finish(1).key

    def give(self, **rows: Sequence[Record]) -> None:
        """Make rows inputs of the step under their name."""
        for name, given in rows.items():
            kind = {"descriptions": Description, "concepts": ScoredConcept, "candidates": Candidate}[name]
            self.inputs[name] = (self.put(name, kind, given),)

    def context(self, step: StepName, attempt: int = 1, **fields: Any) -> StepContext:
        task = self._task(step, f"jobs/j/r1/{step}/s0", attempt, self.inputs)
        update = {key: fields.pop(key) for key in ("shard", "shards") if key in fields}
        return StepContext(task=task.model_copy(update=update), store=self.store, **fields)

    def rows(self, manifest_key: str, record: type[Any]) -> list[Any]:
        return list(read_rows(self.store, [manifest_key], record))

    def _task(self, step: StepName, prefix: str, attempt: int, inputs: dict[str, tuple[str, ...]]) -> StepTask:
        return StepTask(
            step_id=step_id("j", 1, step, 0),
            job_id="j",
            round=1,
            step=step,
            attempt=attempt,
            inputs=inputs,
            output_prefix=prefix,
            base_model="m",
            teacher="m",
            seed=7,
            params=self.params,
        )
