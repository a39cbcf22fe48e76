"""select_answers on a real store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.selector import answers
from shared.artefacts import decode_rows, read_manifest
from shared.errors import StepStopped, SystemFault, TooFewPairs
from shared.job_settings import PAPER
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, ScoredConcept, SuspectLabel
from tests.services.selector.worlds import TableEncoder, World, candidate, example
from tests.telling import Told, told

__all__ = ["told"]

BANK = {"wren": ("brown", "short tail", "barred"), "kite": ("forked", "red", "long wings")}
STEP = StepName.SELECT_ANSWERS


@pytest.fixture
def world(tmp_path: Path) -> World:
    examples = [example(f"id-{99 - k}", ("wren", "kite")[k % 2]) for k in range(6)]
    made = World(tmp_path, examples, BANK, {"examples_per_part": 2, "noun": "bird"})
    made.give(
        concepts=[
            ScoredConcept(example_id=e.id, concept=c, score=-float(k), rank=k, chosen=k < 2)
            for e in examples
            for k, c in enumerate(BANK[e.label])
        ],
    )
    return made


def give_answers(world: World, right: int, further: Sequence[Candidate] = ()) -> None:
    """Two questions an example with two candidates each; in the first `right` examples the first names the label."""
    rows = []
    for k, one in enumerate(world.examples):
        for question in range(2):
            text = f"A {one.label}, number {question}." if k < right else "Some bird."
            rows += [
                candidate(text, 0, one.id, question),
                candidate("I do not know.", 1, one.id, question),
            ]
    places = {one.id: place for place, one in enumerate(world.examples)}
    world.give(candidates=sorted([*rows, *further], key=lambda row: places[row.example_id]))


def ledger(world: World, **fields: Any) -> list[Candidate]:
    return world.rows(answers.run(world.context(STEP, **fields), TableEncoder()).key, Candidate)


def test_every_candidate_is_in_the_ledger_with_score_and_reason(world: World) -> None:
    give_answers(world, right=5)
    rows = ledger(world)
    assert len(rows) == 6 * 2 * 2
    assert all(row.score is not None and row.score < 0 for row in rows)
    assert [row.reason for row in rows[:4]] == ["best", "no_label"] * 2
    assert sum(row.kept for row in rows) == 10


def test_pairs_of_questions_and_candidates_are_counted(world: World, told: Told) -> None:
    give_answers(world, right=5)
    ledger(world)
    assert told()["selfsynth_selection_pairs", "select_answers"] == 6 * 2 * 2


def test_the_answer_that_tells_the_image_s_concepts_is_kept(world: World) -> None:
    one = world.examples[0]
    near, far = "A wren: brown all over.", "A wren with a forked tail."
    world.give(candidates=[candidate(far, 0, one.id), candidate(near, 1, one.id)])
    east, west = [1.0, 0.1, 0, 0, 0, 0], [-1.0, 0.1, 0, 0, 0, 0]
    encoder = TableEncoder({"brown": east, "short tail": east, "forked": west, near: east, far: west})
    rows = world.rows(answers.run(world.context(STEP), encoder).key, Candidate)
    assert [(row.text, row.reason) for row in rows] == [(far, "lower_score"), (near, "best")]


def test_the_manifest_s_counts_are_the_ledger_s(world: World) -> None:
    give_answers(world, right=5)
    ref = answers.run(world.context(STEP), TableEncoder())
    assert read_manifest(world.store, ref.key).figures == {
        "questions": 12.0,
        "pairs": 10.0,
        "fallbacks": 0.0,
        "rationalised": 0.0,
        "repeats": 0.0,
        "failed": 0.0,
        "rejected_no_label": 14.0,
        "suspect_labels": 0.0,
    }


def test_images_whose_answers_agree_on_another_class_are_told_and_left_as_they_are(world: World) -> None:
    doubted, told = world.examples[0], list[str]()
    give_answers(world, 5, [candidate(f"A kite, number {k}.", k, doubted.id, 2) for k in range(4)])
    ref = answers.run(world.context(STEP, tell=told.append), TableEncoder())
    manifest = read_manifest(world.store, ref.key)
    [found] = decode_rows(SuspectLabel, world.store.get(manifest.extra["suspect_labels"]))
    assert (found.example_id, found.label, found.instead, found.share) == (doubted.id, "wren", "kite", 0.5)
    assert manifest.figures["suspect_labels"] == 1
    assert doubted.id in told[0]
    assert sum(row.kept for row in world.rows(ref.key, Candidate)) == 10


def test_nobody_looks_for_wrong_labels_where_the_job_does_not_want_it(world: World) -> None:
    give_answers(world, right=6)
    world.params["select_answers"] = {"suspect_share": None}
    manifest = read_manifest(world.store, answers.run(world.context(STEP), TableEncoder()).key)
    assert "suspect_labels" not in manifest.figures | manifest.extra


def test_too_few_pairs_are_the_user_s_fault_with_the_counts(world: World) -> None:
    give_answers(world, right=1)
    with pytest.raises(TooFewPairs, match="only 2 of 12 questions") as caught:
        ledger(world)
    assert "fallback" in caught.value.remedy


def test_allowed_fallbacks_are_capped_at_their_share_of_all_pairs(world: World) -> None:
    give_answers(world, right=4)
    world.params["select_answers"] = {"fallback": "label_only", "max_fallback_share": 0.2}
    rows = ledger(world)
    extra = [row for row in rows if row.source == "fallback"]
    assert sorted(row.reason for row in extra) == ["fallback", "fallback", "fallback_capped", "fallback_capped"]
    assert [row.kept for row in extra] == [row.reason == "fallback" for row in extra]
    assert {row.text for row in extra} == {"This is a wren.", "This is a kite."}
    assert {row.question_id for row in extra} == {0, 1}


def test_fallbacks_are_no_pairs_to_go_on_by_unless_they_may_be_all(world: World) -> None:
    give_answers(world, right=1)
    world.params["select_answers"] = {"fallback": "label_only", "max_fallback_share": 0.5}
    with pytest.raises(TooFewPairs, match="only 2 of 12 questions"):
        ledger(world)
    world.params["min_pair_share"] = 0.1
    assert [row.reason for row in ledger(world)].count("fallback") == 2


def test_no_pair_at_all_fails_even_where_fallbacks_are_allowed(world: World) -> None:
    give_answers(world, right=0)
    world.params["select_answers"] = {"fallback": "label_only"}
    with pytest.raises(TooFewPairs, match="only 0 of 12"):
        ledger(world)
    world.params["select_answers"]["max_fallback_share"] = 1.0
    assert [row.reason for row in ledger(world)].count("fallback") == 12


def test_the_paper_s_way_replaces_what_the_best_score_lacks(world: World) -> None:
    world.params.update(PAPER)
    give_answers(world, right=6)
    rows = ledger(world)
    assert len([row for row in rows if row.kept]) == 12
    lost = [row for row in rows if row.reason == "no_label"]
    fallen = [row for row in rows if row.source == "fallback"]
    assert {row.text for row in lost} <= {"I do not know."}
    assert [(row.example_id, row.question_id) for row in lost] == [(row.example_id, row.question_id) for row in fallen]


def test_a_stopped_attempt_s_parts_stay_and_the_next_one_writes_the_rest(world: World) -> None:
    give_answers(world, right=5)
    done: list[int] = []

    def check() -> None:
        if done:
            raise StepStopped("cancelled")

    with pytest.raises(StepStopped):
        ledger(world, check=check, progress=lambda n, total, metrics: done.append(n))
    [left] = [key for key in world.store.list("jobs") if key.endswith(".parquet")]
    body = world.store.get(left)
    ref = answers.run(world.context(STEP, attempt=2), TableEncoder())
    parts = read_manifest(world.store, ref.key).parts
    assert parts[0].key == left
    assert world.store.get(left) == body
    rows = world.rows(ref.key, Candidate)
    assert len({(row.example_id, row.question_id, row.sample) for row in rows}) == len(rows) == 24


def test_a_shard_without_questions_is_no_failure(world: World) -> None:
    give_answers(world, right=6)
    assert ledger(world, shard=8, shards=20) == []


def test_candidates_out_of_the_data_sets_order_are_refused_before_any_is_missed(world: World) -> None:
    give_answers(world, right=6)
    rows = world.rows(world.inputs["candidates"][0], Candidate)
    world.inputs["candidates"] = (world.put("reversed", Candidate, rows[::-1]),)
    with pytest.raises(SystemFault, match="in the data set's order"):
        ledger(world)


def test_two_shards_decide_as_one(world: World) -> None:
    give_answers(world, right=4)
    whole = ledger(world)
    assert [row for shard in range(2) for row in ledger(world, shard=shard, shards=2)] == whole
