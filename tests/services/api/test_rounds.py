"""The table of steps."""

from services.api.rounds import Position, chosen_steps, following, plan, shards_of
from shared.job_settings import benchmarked, resolve
from shared.types.lifecycle import StepName


def test_following_walks_the_whole_plan_and_ends() -> None:
    at, walked = following(None, 2), []
    while at:
        walked.append(at)
        at = following(at, 2)
    assert tuple(walked) == plan("tuning", 2)
    assert len(walked) == 1 + 5 + 4


def test_the_base_is_measured_before_the_first_round() -> None:
    assert following(None, 1) == Position(0, StepName.EVALUATE)
    assert following(Position(0, StepName.EVALUATE), 1) == Position(1, StepName.DESCRIBE)


def test_later_rounds_answer_instead_of_describing() -> None:
    assert following(Position(1, StepName.EVALUATE), 2) == Position(2, StepName.ANSWER)
    assert following(Position(2, StepName.EVALUATE), 2) is None


def test_chosen_rounds_end_with_a_benchmark_as_the_base_does() -> None:
    chosen = chosen_steps({"benchmark": {"tasks": ["quiz"], "rounds": [2]}}, 3)
    ends = [at.round for at in plan("tuning", 3, chosen) if at.step == StepName.BENCHMARK]
    assert ends == [0, 2]
    assert following(Position(2, StepName.EVALUATE), 3, chosen=chosen) == Position(2, StepName.BENCHMARK)
    assert following(Position(2, StepName.BENCHMARK), 3, chosen=chosen) == Position(3, StepName.ANSWER)
    assert benchmarked({"benchmark": {"tasks": ["quiz"], "rounds": None}}, 2) == {0, 1, 2}
    assert benchmarked({"benchmark": None}, 2) == benchmarked({}, 2) == frozenset()


def test_concepts_are_chosen_anew_in_later_rounds_where_that_is_asked_for() -> None:
    chosen = chosen_steps(resolve("default", {"select_concepts": {"refresh": True}}).model_dump(mode="json"), 3)
    assert following(Position(1, StepName.EVALUATE), 3, chosen=chosen) == Position(2, StepName.DESCRIBE)
    assert following(Position(2, StepName.SELECT_CONCEPTS), 3, chosen=chosen) == Position(2, StepName.ANSWER)
    assert len(plan("tuning", 3, chosen)) == 1 + 5 + 6 + 6
    assert chosen_steps({}, 3) == chosen_steps(resolve("default", {}).model_dump(mode="json"), 3)


def test_an_ingest_job_has_one_step() -> None:
    assert plan("ingest", 0) == (Position(0, StepName.INGEST),)


def test_a_concept_bank_is_named_first_and_cleaned_then() -> None:
    assert [at.step for at in plan("concepts_endpoint", 0)] == [StepName.ASK_CONCEPTS, StepName.CLEAN_CONCEPTS]
    assert [at.step for at in plan("concepts_own", 0)] == [StepName.VIEW_CONCEPTS, StepName.CLEAN_CONCEPTS]
    assert [at.step for at in plan("concepts_newest", 0)] == [StepName.CLEAN_CONCEPTS]


def test_only_steps_over_images_are_cut_into_shards() -> None:
    settings = resolve("default", {"shards": 3})
    cut = {step for step in StepName if shards_of(step, settings) == 3}
    over_images = {StepName.DESCRIBE, StepName.SYNTHESISE, StepName.ANSWER, StepName.SELECT_ANSWERS, StepName.EVALUATE}
    assert cut == over_images
