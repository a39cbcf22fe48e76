"""One class's concepts, cleaned: with the packaged encoder where meaning counts, without weights where it does not."""

import json
from pathlib import Path

import pytest

from services.selector.bank.clean import Cleaner
from services.selector.bank.naming import Named, from_answers
from services.selector.encoder import Encoder, SentenceEncoder
from shared.concepts.labels import ConceptClass
from shared.types.concept_job import CleanSettings
from shared.types.records import CleanedConcept, Proposal
from tests.services.selector.worlds import TableEncoder

ALBATROSS = ConceptClass(label="Black footed Albatross", raw="001.Black_footed_Albatross", aliases=("Goony",))
BY_WORDS = CleanSettings(judge_visual=False, near_duplicate=1.01)


def answered(*answers: tuple[str, ...], label: str = "x", seen: bool = False) -> list[Named]:
    """What answers name; with `seen` each looked at an image of its own."""
    rows = [
        Proposal(
            label=label,
            example_id=f"image {k}" if seen else None,
            concepts=concepts,
            outcome="ok",
            detail="",
            prompt_tokens=0,
            completion_tokens=0,
        )
        for k, concepts in enumerate(answers)
    ]
    return from_answers(label, rows, "s", "bird")


def clean(
    *concepts: str, settings: CleanSettings = BY_WORDS, encoder: Encoder | None = None
) -> tuple[list[str], dict[str, str]]:
    """Kept concepts, and the reason by what was written."""
    rows = Cleaner(settings, "bird", encoder or TableEncoder()).cleaned(ALBATROSS, answered(concepts))
    return [r.concept for r in rows if r.kept], {r.wrote: r.reason for r in rows if not r.kept}


def test_what_is_no_concept_is_taken_out_with_its_reason() -> None:
    kept, removed = clean(
        "- a white rump",
        "2. White rump.",
        "albatross-like bill",
        "a goony's walk",
        "weighs about 4 kg",
        "...",
        "** **",
        "so many words that nobody could ever call this a short phrase about any one visible part",
        "black feet",
    )
    assert kept == ["a white rump", "black feet"]
    assert removed == {
        "2. White rump.": "repeat",
        "albatross-like bill": "gives_away",
        "a goony's walk": "gives_away",
        "weighs about 4 kg": "not_visual",
        "...": "empty",
        "** **": "too_short",
        "so many words that nobody could ever call this a short phrase about any one visible part": "too_long",
    }


def test_every_concept_named_is_in_the_ledger_once() -> None:
    concepts = [f"{colour} {part}" for colour in ("red", "", "blue") for part in ("wing", "wing", "of it weighs 2 kg")]
    rows = Cleaner(BY_WORDS, "bird", TableEncoder()).cleaned(ALBATROSS, answered(tuple(concepts)))
    assert sorted(r.wrote for r in rows) == sorted(concepts)
    assert all(r.kept != bool(r.reason) for r in rows)


def test_near_duplicates_keep_the_first_and_contrasts_are_none(encoder: SentenceEncoder) -> None:
    settings = CleanSettings(judge_visual=False)
    kept, removed = clean(
        "bright red body and black wings",
        "brilliant red body and black wings",
        "white body with black wings",
        "black body with white wings",
        settings=settings,
        encoder=encoder,
    )
    assert kept == ["bright red body and black wings", "white body with black wings", "black body with white wings"]
    assert removed == {"brilliant red body and black wings": "near_duplicate"}


def test_features_seen_in_several_images_lead_and_are_counted() -> None:
    named = answered(("- a grey head", "- a red wing"), ("It has a red wing", "long legs"), ("- Red wing.",), seen=True)
    rows = Cleaner(BY_WORDS, "bird", TableEncoder()).cleaned(ALBATROSS, named)
    assert [(r.concept, r.images) for r in rows] == [("a red wing", 3), ("a grey head", 1), ("long legs", 1)]
    choosy = BY_WORDS.model_copy(update={"least_images": 2})
    rows = Cleaner(choosy, "bird", TableEncoder()).cleaned(ALBATROSS, named)
    assert [(r.concept, r.reason) for r in rows if not r.kept] == [
        ("a grey head", "seen_too_seldom"),
        ("long legs", "seen_too_seldom"),
    ]


def test_near_duplicates_of_other_images_are_counted_together(encoder: SentenceEncoder) -> None:
    named = answered(("grey head", "brilliant red wings"), ("bright red wings",), ("bright red wings",), seen=True)
    settings = CleanSettings(judge_visual=False, near_duplicate=0.85)
    rows = Cleaner(settings, "bird", encoder).cleaned(ALBATROSS, named)
    assert [(r.concept, r.images) for r in rows if r.kept] == [("bright red wings", 3), ("grey head", 1)]
    assert [r.instead for r in rows if not r.kept] == ["bright red wings"]


def test_no_more_than_the_most_are_kept_and_nothing_named_is_nothing() -> None:
    kept, removed = clean(*(f"part {k} is red" for k in range(9)), settings=BY_WORDS.model_copy(update={"at_most": 4}))
    assert len(kept) == 4
    assert set(removed.values()) == {"surplus"}
    assert clean() == ([], {})


def kept_share(rows: list[CleanedConcept]) -> float:
    return sum(r.kept for r in rows) / len(rows)


@pytest.mark.parametrize(
    ("file", "at_least", "at_most"),
    [("menon_descriptors_cub.json", 0.8, 1.0), ("labo_aircraft_class2concepts_trimmed.json", 0.1, 0.6)],
)
def test_a_bank_of_looks_stays_and_a_bank_of_facts_shrinks(
    encoder: SentenceEncoder, test_data: Path, file: str, at_least: float, at_most: float
) -> None:
    bank = json.loads((test_data / "concepts" / file).read_text())
    cleaner = Cleaner(CleanSettings(), "bird", encoder)
    rows = [
        row
        for label, concepts in list(bank.items())[:25]
        for row in cleaner.cleaned(ConceptClass(label=label), answered(tuple(concepts), label=label))
    ]
    assert at_least <= kept_share(rows) <= at_most
