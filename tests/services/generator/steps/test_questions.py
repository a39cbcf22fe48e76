from collections import Counter

import pytest

from services.generator.chat import Reply
from services.generator.prompts import QuestionKind, question_pool, question_pools
from services.generator.steps.candidates import ledger_row
from services.generator.steps.questions import Question, draw_questions, draw_simple, pools_of, told
from shared.job_settings import JobSettings, QuestionMix, SynthesiseSettings
from shared.types.records import Example

MIX = QuestionMix()
POOLS = question_pools("bird")


def test_the_same_seed_draws_the_same_questions_and_another_draws_others() -> None:
    assert draw_questions(MIX, 8, POOLS, 5) == draw_questions(MIX, 8, POOLS, 5)
    assert draw_questions(MIX, 8, POOLS, 5) != draw_questions(MIX, 8, POOLS, 6)


def test_kinds_follow_the_mix() -> None:
    drawn = [question for seed in range(500) for question in draw_questions(MIX, 8, POOLS, seed)]
    shares = {kind: count / len(drawn) for kind, count in Counter(question.kind for question in drawn).items()}
    assert shares == pytest.approx({"explain": 0.19, "simple": 0.40, "step_by_step": 0.41}, abs=0.03)


def test_a_pool_is_used_up_before_a_question_comes_again() -> None:
    mix = QuestionMix(explain=0, simple=1, step_by_step=0)
    pool = question_pool(QuestionKind.SIMPLE, "bird")
    texts = [question.text for question in draw_questions(mix, len(pool) + 1, POOLS, 0)]
    assert set(texts[:-1]) == set(pool)
    assert texts[-1] in pool


def test_the_drawn_questions_are_the_pools_own_words() -> None:
    for question in draw_questions(MIX, 40, POOLS, 1):
        assert question.text in question_pool(question.kind, "bird")


@pytest.mark.parametrize("text", ["What's the bird's name?", "Look closely: which bird is it?"])
def test_apostrophes_and_text_before_a_colon_survive(text: str) -> None:
    """Fault 17: the ledger's question is the question that was asked, letter by letter."""
    example = Example(id="a", image_key="a.png", label="x", split="train", width=1, height=1, sha256="", source="")
    row = ledger_row(example, Question(0, QuestionKind.SIMPLE, text), 0, "answer", Reply("x", "stop"))
    assert row.question == text


def test_a_simple_question_keeps_the_place_of_the_one_that_it_stands_for() -> None:
    simple = draw_simple(Question(3, QuestionKind.EXPLAIN, "Why?"), POOLS, 0)
    assert (simple.id, simple.kind) == (3, QuestionKind.SIMPLE)
    assert simple.text in question_pool(QuestionKind.SIMPLE, "bird")


def test_a_job_asks_the_domains_own_questions_unless_it_keeps_to_the_generic_ones() -> None:
    own, generic = (pools_of(JobSettings(noun="dog", questions=which)) for which in ("domain", "generic"))
    for kind in QuestionKind:
        assert generic[kind] == question_pool(kind, "dog") == own[kind][: len(generic[kind])]
        assert len(own[kind]) >= len(generic[kind]) + 20


BANK = tuple("abcdefgh")
BEST_FIRST = ("g", "b", "e", "a")


def test_the_best_concepts_are_told_in_the_banks_order() -> None:
    assert told(BEST_FIRST, BANK, SynthesiseSettings(), seed=1) == ("a", "b", "e", "g")
    assert told(BEST_FIRST, BANK, SynthesiseSettings(most_concepts=2), seed=1) == ("b", "g")


def test_concepts_can_be_told_best_first_as_published() -> None:
    assert told(BEST_FIRST, BANK, SynthesiseSettings(told_order="score"), seed=1) == BEST_FIRST


def test_shuffling_loses_nothing_and_follows_the_seed() -> None:
    settings = SynthesiseSettings(told_order="shuffled")
    orders = {told(BANK, BANK, settings, seed) for seed in range(20)}
    assert len(orders) > 10
    assert all(sorted(order) == list(BANK) for order in orders)
    assert told(BANK, BANK, settings, 3) == told(BANK, BANK, settings, 3)
