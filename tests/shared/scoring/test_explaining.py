import math
from typing import Any

import pytest

from shared.scoring.citing import Citing
from shared.scoring.explaining import (
    asked_counts,
    citation_counts,
    explained,
    explanation_figures,
    taught_counts,
)
from shared.types.records import Prediction

BANK = {"wren": ("a red crown", "a long tail"), "kite": ("a forked tail", "a hooked bill")}
CITING = Citing(concept for concepts in BANK.values() for concept in concepts)


def row(label: str, answer: str, **more: Any) -> Prediction:
    facts = {"split": "test", "finish_reason": "stop", "predicted": label, **more}
    return Prediction(
        example_id=f"{label} {answer}", label=label, question="?", answer=answer, correct=True, contains_label=True,
        repeats=False, **facts,
    )  # fmt: skip


def figures(*rows: Prediction) -> dict[str, float]:
    return explanation_figures(citation_counts(explained(CITING, rows), BANK, 0) | asked_counts(rows, 36))


def test_citing_other_classes_features_lowers_the_share_of_the_own_class() -> None:
    found = figures(row("wren", "A red crown and a hooked bill."), row("wren", "Just so."))
    assert (found["citing_share"], found["own_class_share"], found["concepts_an_answer"]) == (0.5, 0.5, 1.0)


def test_validation_images_and_unanswered_ones_do_not_count() -> None:
    rows = row("wren", "a red crown", split="validation"), row("wren", "", finish_reason="failed")
    assert figures(*rows) == {}


def test_the_same_explanation_for_all_classes_lies_no_further_apart_than_within_one() -> None:
    same = figures(*(row(label, f"A long tail {k}.") for label in BANK for k in range(4)))
    assert same["distance_between_classes"] == same["distance_within_class"] == 0
    apart = figures(*(row(label, f"{concepts[0]} {k}.") for label, concepts in BANK.items() for k in range(4)))
    assert (apart["distance_between_classes"], apart["distance_within_class"]) == (1, 0)


def test_counts_of_shards_add_up() -> None:
    rows = [row(label, f"{concept} {k}.") for label, own in BANK.items() for concept in own for k in range(3)]
    parts = [citation_counts(explained(CITING, part), BANK, 0) for part in (rows[:7], rows[7:])]
    summed = {name: parts[0][name] + parts[1][name] for name in parts[0]}
    whole = citation_counts(explained(CITING, rows), BANK, 0)
    kept = ("explained_answers", "explained_citing", "explained_cited", "explained_own")
    assert {name: summed[name] for name in kept} == {name: whole[name] for name in kept}


def test_what_was_taught_is_held_against_what_was_chosen_for_the_image() -> None:
    pairs = [("1", "A red crown, a long tail."), ("2", "A red crown.")]
    counts = taught_counts(CITING, pairs, {"1": ("a red crown",)})
    assert explanation_figures(counts)["taught_chosen_share"] == pytest.approx(1 / 3)


def test_an_explanation_is_consistent_when_it_alone_leads_to_the_class_that_the_answer_named() -> None:
    rows = row("wren", "x", alone="wren"), row("wren", "y", alone="none"), row("wren", "z", alone="")
    counts = asked_counts(rows, 0)
    assert explanation_figures(counts)["consistency"] == 0.5
    assert (counts["alone_requests"], counts["alone_unanswered"]) == (3, 1)


def test_perplexity_is_per_token_over_all_answers() -> None:
    rows = row("wren", "x", answer_nats=2.0, answer_tokens=1), row("wren", "y", answer_nats=1.0, answer_tokens=2)
    failed = row("wren", "z", answer_nats=0.0, answer_tokens=0)
    assert figures(*rows, failed)["perplexity"] == pytest.approx(math.e)
    assert figures(failed).keys() >= {"citing_share"}


def test_faithfulness_has_an_interval_that_holds_its_mean_and_narrows_with_more_images() -> None:
    few, many = (figures(*[row("wren", "x", hiding=(1.0 + k % 2, 0.5)) for k in range(n)]) for n in (4, 40))
    assert few["faithfulness"] == many["faithfulness"] == 1.0
    assert few["faithfulness_low"] < many["faithfulness_low"] < 1.0 < many["faithfulness_high"]
    assert many["faithful_share"] == 1.0
    assert asked_counts([row("wren", "x", hiding=())], 36) | {"hiding_requests": 36.0, "hiding_unanswered": 1.0} == (
        asked_counts([row("wren", "x", hiding=())], 36)
    )


def test_nothing_is_told_of_what_nobody_was_asked() -> None:
    assert asked_counts([row("wren", "x")], 36) == {}
    assert explanation_figures({}) == {}
