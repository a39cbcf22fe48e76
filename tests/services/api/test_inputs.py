"""What each step reads."""

from dataclasses import replace

import pytest

from services.api.inputs import JobFacts, task_for
from services.api.rounds import Position, steps_of
from shared.types.lifecycle import StepName as S

FACTS = JobFacts(
    job_id="job_1",
    dataset_id="ds_1",
    model="tiny",
    seed=7,
    params={"train": {"start_from": "previous"}},
    lease_s=15,
    examples=("ex",),
    concept_bank=("bank",),
    artefacts={Position(0, S.ASK_CONCEPTS): ("0/ask_concepts",)}
    | {Position(r, s): (f"{r}/{s}",) for r in (1, 2) for s in steps_of(r)},
    adapters={1: "adapter-1", 2: "adapter-2"},
)


@pytest.mark.parametrize(
    ("at", "inputs"),
    [
        (Position(0, S.EVALUATE), {"examples": "ex", "concept_bank": "bank"}),
        (
            Position(2, S.EVALUATE),
            {"examples": "ex", "concept_bank": "bank", "concepts": "1/select_concepts", "pairs": "2/select_answers"},
        ),
        (Position(1, S.DESCRIBE), {"examples": "ex"}),
        (Position(1, S.SELECT_CONCEPTS), {"examples": "ex", "concept_bank": "bank", "descriptions": "1/describe"}),
        (Position(1, S.SYNTHESISE), {"examples": "ex", "concept_bank": "bank", "concepts": "1/select_concepts"}),
        (Position(1, S.TRAIN), {"examples": "ex", "pairs": "1/synthesise"}),
        (Position(2, S.ANSWER), {"examples": "ex", "concept_bank": "bank", "concepts": "1/select_concepts"}),
        (
            Position(2, S.SELECT_ANSWERS),
            {"examples": "ex", "concept_bank": "bank", "concepts": "1/select_concepts", "candidates": "2/answer"},
        ),
        (Position(0, S.ASK_CONCEPTS), {"classes": "jobs/job_1/classes.json"}),
        (Position(0, S.VIEW_CONCEPTS), {"examples": "ex", "classes": "jobs/job_1/classes.json"}),
        (
            Position(0, S.CLEAN_CONCEPTS),
            {"concept_bank": "bank", "classes": "jobs/job_1/classes.json", "proposals": "0/ask_concepts"},
        ),
        (Position(2, S.TRAIN), {"examples": "ex", "pairs": "2/select_answers", "adapter": "adapter-1"}),
    ],
)
def test_each_step_is_told_what_to_read(at: Position, inputs: dict[str, str]) -> None:
    assert task_for(FACTS, at, 0, 1, 1).inputs == {name: (key,) for name, key in inputs.items()}


def test_concepts_that_were_chosen_anew_are_read_from_their_round_on() -> None:
    facts = replace(FACTS, artefacts={**FACTS.artefacts, Position(2, S.SELECT_CONCEPTS): ("new",)})
    read = {
        at: task_for(facts, at, 0, 1, 1).inputs["concepts"]
        for at in (Position(1, S.EVALUATE), Position(2, S.ANSWER), Position(2, S.EVALUATE), Position(3, S.ANSWER))
    }
    assert [keys[0] for keys in read.values()] == ["1/select_concepts", "new", "new", "new"]
    again = task_for(facts, Position(2, S.DESCRIBE), 0, 1, 1)
    assert (again.teacher, task_for(facts, Position(1, S.DESCRIBE), 0, 1, 1).teacher) == ("job_1-r1", "tiny")


def test_a_shard_of_selection_reads_what_its_own_shard_was_answered_and_all_where_it_was_cut_otherwise() -> None:
    at, answers = Position(2, S.SELECT_ANSWERS), ("a0", "a1", "a2")
    facts = replace(FACTS, artefacts={**FACTS.artefacts, Position(2, S.ANSWER): answers})
    read = [task_for(facts, at, shard, shards, 1).inputs["candidates"] for shard, shards in ((1, 3), (0, 1))]
    assert read == [("a1",), answers]


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (Position(0, S.EVALUATE), "tiny"),
        (Position(1, S.DESCRIBE), "tiny"),
        (Position(1, S.TRAIN), "tiny"),
        (Position(1, S.EVALUATE), "job_1-r1"),
        (Position(2, S.ANSWER), "job_1-r1"),
        (Position(2, S.EVALUATE), "job_1-r2"),
    ],
)
def test_the_teacher_enters_the_round_and_the_student_is_evaluated(at: Position, name: str) -> None:
    assert task_for(FACTS, at, 0, 1, 1).teacher == name


def test_general_instructions_are_read_by_training_alone() -> None:
    facts = replace(FACTS, instructions=("mixed",), params={"prefix": "adapters/a"})
    reading = [step for step in S if "instructions" in task_for(facts, Position(1, step), 0, 1, 1).inputs]
    assert reading == [S.TRAIN]


def test_a_job_that_starts_from_the_base_reads_no_adapter() -> None:
    facts = replace(FACTS, params={"train": {"start_from": "base"}})
    assert "adapter" not in task_for(facts, Position(2, S.TRAIN), 0, 1, 1).inputs


def test_a_round_that_merges_reads_the_adapter_that_holds_all_rounds_before() -> None:
    merged = replace(FACTS, params={"train": {"start_from": "merged"}})
    read = [task_for(facts, Position(2, S.TRAIN), 0, 1, 1).inputs["adapter"] for facts in (FACTS, merged)]
    assert read[0] == read[1]


def test_the_message_id_and_the_output_folder_name_the_shard() -> None:
    task = task_for(FACTS, Position(1, S.DESCRIBE), 2, 3, 4)
    assert task.message_id == "job_1-1-describe-2-4"
    assert task.output_prefix == "jobs/job_1/r1/describe/s2"
