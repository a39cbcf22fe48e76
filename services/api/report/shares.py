"""What a round's steps counted, as shares and means that can be read. Pure."""

from collections.abc import Mapping

from shared.scoring.explaining import explanation_figures
from shared.types.lifecycle import StepName

Counts = Mapping[str, float]
# What statistics tell better, from the predictions themselves.
_TOLD = ("total", "failed", "correct", "contains_label", "none", "several", "repeats", "cut_off")
_SPLITS = ("test", "validation")


def selection(figures: Mapping[StepName, Counts]) -> dict[str, float]:
    """How much was chosen and kept, of how much. A share that nothing is known of is left out."""
    concepts = figures.get(StepName.SELECT_CONCEPTS, {})
    ledger = figures.get(StepName.SELECT_ANSWERS) or figures.get(StepName.SYNTHESISE) or {}
    answers = figures.get(StepName.ANSWER, {})
    wanted = {
        "chosen_concepts_an_image": (concepts, "chosen", "examples"),
        "chosen_share_of_bank": (concepts, "chosen", "bank"),
        "candidates_a_question": (answers, "candidates", "questions"),
        "questions_with_a_pair": (ledger, "pairs", "questions"),
        "fallback_share_of_pairs": (ledger, "fallbacks", "pairs"),
        "rationalised_share_of_pairs": (ledger, "rationalised", "pairs"),
        "repeating_share_of_pairs": (ledger, "repeats", "pairs"),
    }
    shares = {name: counts[part] / counts[whole] for name, (counts, part, whole) in wanted.items()
              if part in counts and counts.get(whole)}  # fmt: skip
    rejected = {name: count for name, count in ledger.items() if name.startswith("rejected_")}
    return {**({"pairs": ledger["pairs"]} if "pairs" in ledger else {}), **shares, **rejected}


def explanation(evaluated: Counts) -> dict[str, float]:
    """What the evaluation tells of the explanations, and whatever else it counted of the test split, a test image."""
    images = evaluated.get("test_total")
    known = {f"{split}_{name}" for split in _SPLITS for name in _TOLD}
    further = {name: count for name, count in evaluated.items() if name.startswith("test_") and name not in known}
    counted = {name.removeprefix("test_"): count / images for name, count in further.items()} if images else {}
    return explanation_figures(evaluated) | counted
