"""Fallback pairs: a simple question and an answer that only names the label, where no candidate was kept. Pure."""

from shared.bare_answer import bare_answer
from shared.types.domain import AsksFor
from shared.types.records import Candidate

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
