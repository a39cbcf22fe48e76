"""The generator's words: pools, instructions and the synthesis prompt, for several nouns."""

import hashlib
import re

import pytest

from services.api.datasets.readers import chest_xray, cub200, fgvc_aircraft, ham10000, pld, stanford_dogs
from services.generator.prompts import (
    QUESTIONED,
    QuestionKind,
    describe_instructions,
    prompts_hash,
    question_pool,
    question_pools,
    synthesis_prompt,
)
from shared.types.domain import AsksFor

NOUNS = ["bird", "leaf", "X-ray image"]
# Parts, colours, makers and diagnoses: what would tell a class, or where to look for it.
HINTS = re.compile(
    r"\b(beak|bill|wing|wings|tail|crest|feather|feathers|plumage|red|blue|black|white|yellow|brown|green|spot|spots|stripe|stripes|ear|ears|coat|fur|snout|muzzle"
    r"|engine|engines|fuselage|cockpit|boeing|airbus|fin|rust|blight|scab|mildew|mosaic|mole|melanoma|nevus|keratosis|carcinoma|border|asymmetry|pneumonia|opacity|opacities|lung|lungs|consolidation|heart)\b",
    re.IGNORECASE,
)
GOLDEN_DOMAINS = "5b6b316f42abf3fdb331b4cdb5674d380f5a6bc9e973d987e6ccf3351ea87548"
GOLDEN_HASH = "7e4314e5236377634ab91e8e14c792c45d417c1748bfb34b40a13ed0e4872b0c"


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("asks_for", ["kind", "condition"])
@pytest.mark.parametrize("kind", QuestionKind)
def test_every_pool_holds_at_least_forty_distinct_questions_that_name_the_noun(
    kind: QuestionKind, asks_for: AsksFor, noun: str
) -> None:
    pool = question_pool(kind, noun, asks_for)
    assert len(set(pool)) == len(pool) >= 40
    assert all(noun in question for question in pool)
    assert not any("{" in question or "  " in question for question in pool)


@pytest.mark.parametrize("asks_for", ["kind", "condition"])
def test_pools_of_different_kinds_share_no_question(asks_for: AsksFor) -> None:
    explain, simple, steps = (set(question_pool(kind, "bird", asks_for)) for kind in QuestionKind)
    assert not explain & simple
    assert not explain & steps
    # A simple question may be the beginning of an explaining one, never the whole of it.
    assert not simple & steps


def test_the_first_questions_read_as_agreed() -> None:
    assert question_pool(QuestionKind.EXPLAIN, "bird")[0] == "What kind of bird is this, and why?"
    assert question_pool(QuestionKind.SIMPLE, "leaf")[1] == "What kind of leaf is this? Answer briefly."
    assert question_pool(QuestionKind.STEP_BY_STEP, "X-ray image")[0] == (
        "Look at this X-ray image step by step, then name it."
    )


def test_a_condition_is_asked_for_and_told_in_other_words() -> None:
    assert question_pool(QuestionKind.SIMPLE, "leaf", "condition")[0] == "What condition does this leaf show?"
    for kind in QuestionKind:
        assert not set(question_pool(kind, "leaf")) & set(question_pool(kind, "leaf", "condition"))
    told = synthesis_prompt("pneumonia", ["a white patch"], "Why?", "chest X-ray", "condition")
    assert told.startswith("This chest X-ray shows pneumonia. It shows a white patch.")
    assert prompts_hash("leaf", "condition") != prompts_hash("leaf")


@pytest.mark.parametrize("noun", NOUNS)
def test_three_distinct_instructions_ask_for_a_description(noun: str) -> None:
    instructions = describe_instructions(noun)
    assert len(set(instructions)) == 3
    assert all(noun in instruction for instruction in instructions)


def test_the_synthesis_prompt_tells_label_and_concepts_and_asks() -> None:
    assert synthesis_prompt("Red Oak", ["pointed lobes", "thin veins", "a long stalk"], "What is it?", "leaf") == (
        "This leaf is Red Oak. It shows pointed lobes, thin veins, a long stalk.\n"
        "Answer as if you saw it yourself. What is it?"
    )


def test_without_concepts_only_the_label_is_told() -> None:
    assert synthesis_prompt("Red Oak", [], "What is it?", "leaf") == (
        "This leaf is Red Oak.\nAnswer as if you saw it yourself. What is it?"
    )


def test_braces_in_labels_and_concepts_stay_as_they_are() -> None:
    prompt = synthesis_prompt("{noun}", ["100% {x}"], "Why?", "bird")
    assert "{noun}" in prompt
    assert "It shows 100% {x}." in prompt


def test_a_changed_word_changes_the_hash() -> None:
    assert prompts_hash("bird") == GOLDEN_HASH, "prompts changed: run `make demo-base`, then update this hash"
    assert prompts_hash("bird") != prompts_hash("leaf")


@pytest.mark.parametrize(("noun", "asks_for"), QUESTIONED)
def test_every_domain_has_twenty_more_questions_of_each_kind_after_the_generic_ones(
    noun: str, asks_for: AsksFor
) -> None:
    pools = question_pools(noun, asks_for, with_domain=True)
    everything = [question for pool in pools.values() for question in pool]
    assert len(set(map(str.casefold, everything))) == len(everything)
    for kind, pool in pools.items():
        generic = question_pool(kind, noun, asks_for)
        own = pool[len(generic) :]
        assert pool[: len(generic)] == generic
        assert len(own) >= 20
        assert all(question[0].isupper() and question[-1] in ".?" and question.isascii() for question in own)
        assert not any("  " in question or "{" in question for question in own)


def test_the_six_domains_of_the_published_data_sets_have_questions() -> None:
    readers = (cub200, stanford_dogs, fgvc_aircraft, pld, ham10000, chest_xray)
    domains = [reader.READER.domain for reader in readers]
    assert {(domain.noun, domain.asks_for) for domain in domains} == set(QUESTIONED)


@pytest.mark.parametrize(("noun", "asks_for"), QUESTIONED)
def test_no_question_hints_at_a_class(noun: str, asks_for: AsksFor) -> None:
    pools = question_pools(noun, asks_for, with_domain=True)
    assert not [question for pool in pools.values() for question in pool if HINTS.search(question)]


def test_the_domains_questions_are_golden() -> None:
    text = "\0".join(
        question
        for pair in QUESTIONED
        for pool in question_pools(*pair, with_domain=True).values()
        for question in pool
    )
    assert hashlib.sha256(text.encode()).hexdigest() == GOLDEN_DOMAINS, "read the changed questions, then update this"


def test_a_domain_without_questions_of_its_own_has_the_generic_ones() -> None:
    for noun, asks_for in (("flower", "kind"), ("leaf", "kind")):
        assert question_pools(noun, asks_for, with_domain=True) == question_pools(noun, asks_for)  # type: ignore[arg-type]
