"""Clause-level evidence."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.selector import concepts
from services.selector.clauses import ClauseEvidence, clauses
from services.selector.encoder import SentenceEncoder
from shared.artefacts import read_manifest
from shared.job_settings import SelectConceptsSettings
from shared.types.concepts import ConceptBank
from shared.types.lifecycle import StepName
from shared.types.records import ScoredConcept
from tests.services.selector.worlds import TableEncoder, World, description, example

SEEN = ("white bars across the wings", "a deeply forked tail", "long orange legs")
HIDDEN = ("a tall spiky crest", "a hooked bill", "a song at dawn")
TOLD = [
    "You can see striped wings, a tail split in two and thin orange shanks.",
    "The bird has wings crossed by white stripes. It also has a forked tail, with tall legs in orange.",
]


def test_a_text_is_cut_into_the_single_things_it_tells() -> None:
    assert clauses(TOLD[1]) == [
        "The bird has wings crossed by white stripes",
        "It also has a forked tail",
        "tall legs in orange",
    ]
    assert clauses("red") == ["red"]
    assert clauses("") == [""]


def test_the_score_is_the_mean_of_the_best_clauses() -> None:
    vectors = {"one thing": [1.0, 0, 0, 0, 0, 0], "another thing": [0, 1.0, 0, 0, 0, 0], "far": [0.6, 0.8, 0, 0, 0, 0]}
    bank = ConceptBank(version=1, concepts={"wren": ("far",)})
    evidence = ClauseEvidence(bank, {"a": "wren", "b": "wren"}, {"a", "b"}, TableEncoder(vectors))
    evidence.add_all([description("a", "one thing, another thing"), description("a", "one thing", 1)])
    assert float(evidence.scores("a")[0]) == pytest.approx((0.8 + 0.6) / 2)
    assert [evidence.is_described(key) for key in "ab"] == [True, False]


@pytest.mark.parametrize(("evidence", "exact"), [("clause", True), ("description", False)])
def test_what_is_told_among_much_else_is_found_by_its_clause(
    tmp_path: Path, encoder: SentenceEncoder, evidence: str, exact: bool
) -> None:
    bank = {"wren": (*HIDDEN, *SEEN), "kite": ("a broad fan tail", "blue legs", "white bars across the wings")}
    settings = {"evidence": evidence, "threshold_std": 0.0, "at_least": 1}
    world = World(tmp_path, [example("w", "wren"), example("k", "kite")], bank, {"select_concepts": settings})
    rest = [description("k", "It has striped wings and white bars."), description("k", "Blue legs and a fan tail.", 1)]
    world.give(descriptions=[*(description("w", text, k) for k, text in enumerate(TOLD)), *rest])
    ref = concepts.run(world.context(StepName.SELECT_CONCEPTS), encoder)
    chosen = {row.concept for row in world.rows(ref.key, ScoredConcept) if row.example_id == "w" and row.chosen}
    assert (chosen == set(SEEN)) == exact


BIRDS = {"wren": ("a barred wing", "a short tail"), "kite": ("a forked tail",), "gull": ("a white head",)}
SAID = {
    "a barred wing": [1.0, 0, 0, 0, 0, 0],
    "a forked tail": [0, 1.0, 0, 0, 0, 0],
    "a white head": [0, 0, 1.0, 0, 0, 0],
}


def doubting_world(folder: Path, share: float | None) -> World:
    """A wren as it should be, and one that shows a kite's tail and a gull's head."""
    settings = {"evidence": "clause", "at_least": 1, "doubt_share": share}
    world = World(folder, [example("fine", "wren"), example("odd", "wren")], BIRDS, {"select_concepts": settings})
    world.give(
        descriptions=[description("fine", "a barred wing"), description("odd", "a forked tail, a white head"),
                      description("odd", "a white head, a forked tail", 1)]
    )  # fmt: skip
    return world


@pytest.mark.parametrize(("share", "left_out"), [(None, set()), (0.5, {"odd"}), (1.0, {"odd"})])
def test_an_image_that_other_classes_fit_better_has_no_concept_chosen(
    tmp_path: Path, share: float | None, left_out: set[str]
) -> None:
    world = doubting_world(tmp_path, share)
    ref = concepts.run(world.context(StepName.SELECT_CONCEPTS), TableEncoder(SAID))
    rows = world.rows(ref.key, ScoredConcept)
    assert {"fine", "odd"} - {row.example_id for row in rows if row.chosen} == left_out
    assert {row.example_id for row in rows} == {"fine", "odd"}
    assert read_manifest(world.store, ref.key).figures["doubted"] == len(left_out)


def test_doubts_need_evidence_that_compares_classes() -> None:
    with pytest.raises(ValidationError, match="needs evidence: clause"):
        SelectConceptsSettings(evidence="description", doubt_share=0.3)


def test_an_image_without_descriptions_is_left_out_but_not_doubted(tmp_path: Path) -> None:
    world = doubting_world(tmp_path, 0.5)
    world.give(descriptions=[description("fine", "a barred wing")])
    ref = concepts.run(world.context(StepName.SELECT_CONCEPTS), TableEncoder(SAID))
    assert {row.example_id for row in world.rows(ref.key, ScoredConcept) if row.chosen} == {"fine"}
    figures = read_manifest(world.store, ref.key).figures
    assert (figures["doubted"], figures["undescribed"]) == (0, 1)
