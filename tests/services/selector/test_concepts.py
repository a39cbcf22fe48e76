"""select_concepts on a real store."""

from pathlib import Path
from typing import Literal

import pytest
import torch

from services.selector import concepts
from services.selector.concepts import ranked, threshold
from shared.artefacts import read_manifest
from shared.errors import InvalidInput, StepStopped
from shared.job_settings import SelectConceptsSettings
from shared.types.lifecycle import StepName
from shared.types.records import ScoredConcept
from tests.services.selector.worlds import TableEncoder, World, description, example
from tests.telling import Told, told

__all__ = ["told"]

BANK = {"wren": ("brown", "short tail", "barred"), "kite": ("forked", "red", "long wings", "hooked")}
STEP = StepName.SELECT_CONCEPTS


@pytest.fixture
def world(tmp_path: Path) -> World:
    examples = [example(f"id-{99 - k}", ("wren", "kite")[k % 2]) for k in range(10)]
    made = World(tmp_path, examples, BANK, {"examples_per_part": 3, "select_concepts": {"at_least": 1}})
    made.give(descriptions=[description(e.id, f"a bird {e.id} {s}", s) for s in range(2) for e in examples])
    return made


def test_every_concept_of_the_class_gets_a_row_best_first(world: World) -> None:
    ref = concepts.run(world.context(STEP), TableEncoder())
    rows = world.rows(ref.key, ScoredConcept)
    assert {row.example_id for row in rows} == {e.id for e in world.examples}
    for one in world.examples:
        own = [row for row in rows if row.example_id == one.id]
        assert {row.concept for row in own} == set(BANK[one.label])
        assert [row.rank for row in own] == list(range(len(own)))
        assert [row.score for row in own] == sorted((row.score for row in own), reverse=True)
        assert own[0].chosen


def test_pairs_of_images_and_concepts_are_counted_when_they_are_scored(world: World, told: Told) -> None:
    concepts.run(world.context(STEP), TableEncoder())
    assert told()["selfsynth_selection_pairs", "select_concepts"] == 5 * 3 + 5 * 4
    concepts.run(world.context(STEP, attempt=2), TableEncoder())
    assert told()["selfsynth_selection_pairs", "select_concepts"] == 35, "all parts were there already"


def test_the_concept_that_the_descriptions_tell_is_chosen(world: World) -> None:
    up, down = [1.0, 0.2, 0, 0, 0, 0], [-1.0, 0.3, 0, 0, 0, 0]
    near = {"brown": up, "short tail": down, "barred": down, "a bird id-99 0": up, "a bird id-99 1": up}
    ref = concepts.run(world.context(STEP), TableEncoder(near))
    rows = [row for row in world.rows(ref.key, ScoredConcept) if row.example_id == "id-99"]
    assert [row.concept for row in rows if row.chosen] == ["brown"]


@pytest.mark.parametrize("evidence", ["description", "clause"])
def test_descriptions_that_the_engine_never_gave_are_no_evidence(world: World, evidence: str) -> None:
    world.params["select_concepts"] = {"evidence": evidence}
    told = [description(e.id, f"a bird {e.id}") for e in world.examples]
    failed = description("id-99", "", 1).model_copy(update={"finish_reason": "failed", "failure": "HTTP 500"})
    world.give(descriptions=told)
    without = world.rows(concepts.run(world.context(STEP), TableEncoder()).key, ScoredConcept)
    world.give(descriptions=[*told, failed])
    with_failed = world.rows(concepts.run(world.context(STEP, attempt=2), TableEncoder()).key, ScoredConcept)
    assert with_failed == without


@pytest.mark.parametrize("evidence", ["description", "clause"])
@pytest.mark.parametrize("lost", [[], [("", "failed")], [("", "stop"), (" \n", "stop")]])
def test_of_an_image_without_any_description_no_concept_is_chosen(
    world: World, evidence: str, lost: list[tuple[str, Literal["stop", "failed"]]]
) -> None:
    world.params["select_concepts"] = {"evidence": evidence}
    told = [description(e.id, f"a bird {e.id}") for e in world.examples if e.id != "id-99"]
    empty = [
        description("id-99", text, k).model_copy(update={"finish_reason": end}) for k, (text, end) in enumerate(lost)
    ]
    world.give(descriptions=[*told, *empty])
    ref = concepts.run(world.context(STEP), TableEncoder())
    rows = world.rows(ref.key, ScoredConcept)
    own = [row for row in rows if row.example_id == "id-99"]
    assert [(row.concept, row.score, row.rank, row.chosen) for row in own] == [
        (concept, None, rank, False) for rank, concept in enumerate(BANK["wren"])
    ]
    assert {row.example_id for row in rows if row.chosen} == {e.id for e in world.examples} - {"id-99"}
    figures = read_manifest(world.store, ref.key).figures
    assert (figures["undescribed"], figures["doubted"], figures["examples"]) == (1, 0, 10)


def test_the_manifest_counts_examples_concepts_and_short_banks(world: World) -> None:
    world.params["select_concepts"] = {"at_least": 4}
    ref = concepts.run(world.context(STEP), TableEncoder())
    figures = read_manifest(world.store, ref.key).figures
    assert figures == {
        "examples": 10.0,
        "undescribed": 0.0,
        "doubted": 0.0,
        "chosen": 35.0,
        "bank": 35.0,
        "short_banks": 5.0,
    }


def test_a_stopped_attempt_s_parts_stay_and_the_next_one_writes_the_rest(world: World) -> None:
    done: list[int] = []

    def check() -> None:
        if done and done[-1] > 0:
            raise StepStopped("cancelled")

    first = world.context(STEP, check=check, progress=lambda n, total, metrics: done.append(n))
    with pytest.raises(StepStopped):
        concepts.run(first, TableEncoder())
    [left] = [key for key in world.store.list("jobs") if key.endswith(".parquet")]
    body = world.store.get(left)
    ref = concepts.run(world.context(STEP, attempt=2), TableEncoder())
    parts = read_manifest(world.store, ref.key).parts
    assert parts[0].key == left
    assert world.store.get(left) == body
    assert ["a2" in part.key.rsplit("/", 1)[1] for part in parts] == [False, True, True, True]
    rows = world.rows(ref.key, ScoredConcept)
    assert len({(row.example_id, row.concept) for row in rows}) == len(rows) == 35


def test_a_step_that_was_complete_is_not_scored_again(world: World) -> None:
    ref = concepts.run(world.context(STEP), TableEncoder())
    encoder = TableEncoder()
    again = concepts.run(world.context(STEP, attempt=2), encoder)
    assert encoder.embedded == 0
    assert read_manifest(world.store, again.key).parts == read_manifest(world.store, ref.key).parts


@pytest.mark.parametrize("evidence", ["description", "clause"])
def test_shards_together_choose_what_one_shard_chooses(world: World, evidence: str) -> None:
    world.params["select_concepts"] = {"evidence": evidence}
    whole = world.rows(concepts.run(world.context(STEP), TableEncoder()).key, ScoredConcept)
    shards = []
    for shard in range(3):
        ref = concepts.run(world.context(STEP, shard=shard, shards=3), TableEncoder())
        shards += world.rows(ref.key, ScoredConcept)
    assert [row.model_dump(exclude={"score"}) for row in shards] == [row.model_dump(exclude={"score"}) for row in whole]
    assert [row.score for row in shards] == pytest.approx([row.score for row in whole], rel=1e-12)


def test_the_paper_s_choice_of_negatives_is_a_setting(world: World) -> None:
    world.params["select_concepts"] = {"evidence": "description"}
    ours = world.rows(concepts.run(world.context(STEP), TableEncoder()).key, ScoredConcept)
    world.params["select_concepts"] = {"evidence": "description", "negatives": "other_images"}
    papers = world.rows(concepts.run(world.context(STEP), TableEncoder()).key, ScoredConcept)
    lower = {(row.example_id, row.concept): row.score for row in papers}
    assert all(lower[row.example_id, row.concept] < row.score for row in ours)


def test_a_class_without_concepts_is_the_user_s_fault(tmp_path: Path) -> None:
    world = World(tmp_path, [example("a", "wren"), example("b", "owl")], {"wren": ("brown",), "owl": ()})
    world.give(descriptions=[description("a", "x")])
    with pytest.raises(InvalidInput, match="owl"):
        concepts.run(world.context(STEP), TableEncoder())


def test_the_threshold_is_the_mean_and_the_unbiased_std() -> None:
    scores_z = torch.tensor([-1.0, -2.0, -6.0], dtype=torch.float64)
    assert threshold(scores_z, 0.4) == pytest.approx(-3 + 0.4 * 7**0.5)
    assert threshold(scores_z[:1], 0.4) == -1.0


def test_fewer_than_at_least_above_the_threshold_means_the_best_ones() -> None:
    scores_z = torch.tensor([-5.0, -1.0, -4.0, -4.5], dtype=torch.float64)
    rows = ranked("x", "abcd", scores_z, SelectConceptsSettings(threshold_std=0.4, at_least=3))
    assert [row.concept for row in rows if row.chosen] == ["b", "c", "d"]
    rows = ranked("x", "abcd", scores_z, SelectConceptsSettings(threshold_std=0.4, at_least=1))
    assert [row.concept for row in rows if row.chosen] == ["b"]
