"""clean_concepts from answers in the store to a bank in the store."""

from pathlib import Path
from typing import Any

import pytest

from services.selector.bank.step import run
from shared.artefacts import ArtefactWriter, Manifest, read_manifest, read_rows
from shared.concepts.labels import ConceptClass
from shared.errors import InvalidInput, StepStopped
from shared.objects import open_store
from shared.types.concept_job import ConceptClasses
from shared.types.concepts import BankSource, ConceptBank, Origin, Removed
from shared.types.lifecycle import StepName
from shared.types.records import CleanedConcept, Proposal
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from tests.services.selector.worlds import TableEncoder

BY_WORDS = {"judge_visual": False, "near_duplicate": 1.01}
BASE = ConceptBank(
    version=4,
    concepts={"wren": ("- old wing", "OLD wing", "old tail"), "kite": ("kept crest",)},
    origins={"wren": {"old tail": Origin(source="file_1")}, "kite": {"kept crest": Origin(source="file_1", images=2)}},
    sources=(BankSource(id="file_1", kind="file"), BankSource(id="unused", kind="expert")),
    removed=(
        Removed(label="kite", concept="a kite", reason="gives_away"),
        Removed(label="wren", concept="x", reason="y"),
    ),
)


class Bench:
    def __init__(self, folder: Path, labels: tuple[str, ...] = ("wren", "kite", "owl")) -> None:
        self.store = open_store(f"file://{folder}")
        self.labels = labels
        self.inputs: dict[str, tuple[str, ...]] = {"classes": ("classes.json",)}

    def answers(self, empty: dict[str, str] | None = None, **concepts: tuple[str, ...]) -> None:
        rows = [
            Proposal(
                label=k, example_id=None, concepts=v, outcome="ok", detail="", prompt_tokens=3, completion_tokens=4
            )
            for k, v in concepts.items()
        ]
        writer = ArtefactWriter(self.store, self._task(StepName.ASK_CONCEPTS, 1, {}), Proposal)
        writer.put(0, rows)
        source = BankSource(id="con_1", kind="endpoint", model="m", prompt_tokens=30, completion_tokens=40)
        extra = {"source": source.model_dump(mode="json"), "empty": empty or {}}
        self.inputs["proposals"] = (writer.finish(1, extra=extra).key,)

    def base(self) -> None:
        self.store.put("base.json", BASE.model_dump_json().encode())
        self.inputs["concept_bank"] = ("base.json",)

    def clean(
        self, asked: tuple[str, ...] | None = None, attempt: int = 1, source: str = "endpoint", **fields: Any
    ) -> Manifest:
        classes = ConceptClasses(classes=tuple(ConceptClass(label=k) for k in self.labels), asked=asked or self.labels)
        self.store.put("classes.json", classes.model_dump_json().encode())
        params = {"source": source, "model": "m", "clean": BY_WORDS}
        task = self._task(StepName.CLEAN_CONCEPTS, attempt, params)
        return read_manifest(self.store, run(StepContext(task, self.store, **fields), TableEncoder()).key)

    def bank(self, manifest: Manifest) -> ConceptBank:
        return ConceptBank.model_validate_json(self.store.get(manifest.extra["concept_bank"]))

    def _task(self, step: StepName, attempt: int, params: dict[str, Any]) -> StepTask:
        return StepTask(
            step_id=f"con_1-0-{step}-0", job_id="con_1", round=0, step=step, attempt=attempt, inputs=self.inputs,
            output_prefix=f"jobs/con_1/r0/{step}/s0", base_model="m", teacher="m", seed=0, params=params,
        )  # fmt: skip


def test_answers_become_a_bank_that_tells_where_each_concept_came_from(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.answers({"owl": "refused: no"}, wren=("- short tail", "a wren", "brown back"), kite=("forked tail",))
    manifest = bench.clean()
    bank = bench.bank(manifest)
    assert bank.concepts == {"wren": ("short tail", "brown back"), "kite": ("forked tail",), "owl": ()}
    assert bank.origins["wren"]["short tail"] == Origin(source="con_1")
    assert [(r.label, r.concept, r.reason) for r in bank.removed] == [("wren", "a wren", "gives_away")]
    assert [source.id for source in bank.sources] == ["con_1"]
    made = manifest.extra["made"]
    assert made["empty"] == {"owl": "refused: no"}
    assert made["short"] == ["wren", "kite"]
    assert (made["removed"], made["prompt_tokens"], made["completion_tokens"]) == ({"gives_away": 1}, 30, 40)
    assert manifest.figures == {"named": 4, "kept": 3, "removed": 1, "classes": 3, "empty": 1}
    rows = list(read_rows(bench.store, ["jobs/con_1/r0/clean_concepts/s0/manifest-a1.json"], CleanedConcept))
    assert len(rows) == 4


def test_classes_that_were_not_asked_about_keep_what_they_have(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.base()
    bench.answers(wren=("new wing",))
    bank = bench.bank(bench.clean(asked=("wren",)))
    assert bank.concepts == {"wren": ("new wing",), "kite": ("kept crest",), "owl": ()}
    assert bank.origins["kite"]["kept crest"] == Origin(source="file_1", images=2)
    assert [source.id for source in bank.sources] == ["file_1", "con_1"]
    assert [each.label for each in bank.removed] == ["kite"]
    assert bank.version == 5


def test_the_newest_bank_can_be_cleaned(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.base()
    bank = bench.bank(bench.clean(source="newest"))
    assert bank.concepts == {"wren": ("old wing", "old tail"), "kite": ("kept crest",), "owl": ()}
    assert bank.origins["kite"]["kept crest"] == Origin(source="file_1", images=2)
    assert [(r.concept, r.reason, r.instead) for r in bank.removed] == [("OLD wing", "repeat", "old wing")]


def test_when_nothing_is_left_at_all_it_is_told_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.answers(wren=("a wren",), kite=("weighs 2 kg",))
    with pytest.raises(InvalidInput, match="gives_away") as raised:
        bench.clean()
    assert raised.value.remedy


def test_a_second_attempt_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    labels = tuple(f"class {k}" for k in range(45))
    bench = Bench(tmp_path, labels)
    bench.answers(**dict.fromkeys(labels, ("red wing",)), wren=("stranger",))
    calls = iter((None, None, StepStopped("killed")))

    def check() -> None:
        if (stopped := next(calls)) is not None:
            raise stopped

    with pytest.raises(StepStopped):
        bench.clean(check=check)
    assert len(bench.store.list("jobs/con_1/r0/clean_concepts")) == 2
    manifest = bench.clean(attempt=2)
    assert [part.key[-7:] == "parquet" for part in manifest.parts] == [True] * 3
    assert sum("-a1." in part.key for part in manifest.parts) == 2
