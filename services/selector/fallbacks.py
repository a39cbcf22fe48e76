"""Fallback pairs: a simple question and an answer that only names the label, where no candidate was kept. Pure.

They teach no explanation and become a shortcut when they dominate, so their share of all pairs is capped.
"""

from collections.abc import Iterable

from shared.bare_answer import bare_answer
from shared.seeds import derive
from shared.types.domain import AsksFor
from shared.types.records import Candidate

Question = tuple[str, int]  # (example id, question id)

_SIMPLE: dict[AsksFor, tuple[str, ...]] = {
    "kind": (
        "What is the name of this {noun}?",
        "What kind of {noun} is this?",
        "Which {noun} is in the picture?",
        "What would you call this {noun}?",
    ),
    "condition": (
        "What condition does this {noun} show?",
        "What is the condition of this {noun}?",
        "What is the state of this {noun}?",
        "Which finding does this {noun} show?",
    ),
}


def fallback(last: Candidate, label: str, noun: str, seed: int, asks_for: AsksFor = "kind") -> Candidate:
    """The kept row that stands in for the question of `last`, the last of its candidates."""
    return last.model_copy(
        update={
            "kind": "simple",
            "question": _SIMPLE[asks_for][seed % len(_SIMPLE[asks_for])].format(noun=noun),
            "sample": last.sample + 1,
            "source": "fallback",
            "text": bare_answer(label, asks_for),
            "finish_reason": "stop",
            "failure": "",
            "score": None,
            "kept": True,
            "reason": "fallback",
        }
    )


def capped(row: Candidate) -> Candidate:
    return row.model_copy(update={"kept": False, "reason": "fallback_capped"})


def allowed(lacking: Iterable[Question], pair_count: int, max_share: float, seed: int) -> frozenset[Question]:
    """Which of the questions that lack a pair may have a fallback, so that fallbacks are at most `max_share` of all
    pairs, `pair_count` being the others. Drawn by seed, so that no class is favoured by its place."""
    drawn = sorted(lacking, key=lambda question: derive(seed, "fallback", *question))
    if max_share >= 1:
        return frozenset(drawn)
    return frozenset(drawn[: _at_most(pair_count, max_share)])


def _at_most(pair_count: int, max_share: float) -> int:
    """The largest f with f <= max_share * (pair_count + f)."""
    count = int(max_share * pair_count / (1 - max_share)) + 1
    while count > 0 and count > max_share * (pair_count + count):
        count -= 1
    return count
