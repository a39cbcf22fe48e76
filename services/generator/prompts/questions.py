"""The question pools as templates over a domain's noun: openings crossed with endings.

Generic on purpose: a question never hints at a class or a feature. One set of pools asks for the kind of thing that an
image shows, another for its condition ("What condition does this leaf show?").
"""

from enum import StrEnum
from itertools import product

from shared.types.domain import AsksFor


class QuestionKind(StrEnum):
    """What a question asks for: name and reasons, only the name, or features first and the name last."""

    EXPLAIN = "explain"
    SIMPLE = "simple"
    STEP_BY_STEP = "step_by_step"


_ASK_AND = (
    "What kind of {noun} is this",
    "Which {noun} do you see here",
    "What type of {noun} does the picture show",
    "How would you classify this {noun}",
    "Which class fits this {noun}",
    "What is this {noun} called",
    "Can you identify this {noun}",
)
_REASONS = (
    ", and why?",
    ", and what shows it?",
    "? Explain your answer.",
    "? Give the visible evidence.",
    "? Name the features that tell you.",
    ", and which details give it away?",
)
_ASK_ONLY = (
    "What kind of {noun} is this?",
    "Which {noun} is in the picture?",
    "What type of {noun} is shown?",
    "What is the name of this {noun}?",
    "Which class does this {noun} belong to?",
    "What would you call this {noun}?",
    "Which category is this {noun}?",
    "Tell me the name for this {noun}.",
)
_BRIEFLY = (
    "",
    " Answer briefly.",
    " Only the name, please.",
    " Keep it short.",
    " One sentence is enough.",
    " No reasons needed.",
)
_LOOK_FIRST = (
    "Look at this {noun} step by step",
    "Go through the visible features of this {noun}",
    "First list what you see of this {noun}",
    "Start with the details of this {noun}",
    "Examine this {noun} part by part",
    "Think aloud about this {noun}",
    "Collect the visual clues of this {noun}",
)
_THEN_NAME = (
    ", then name it.",
    " and conclude what it is.",
    ", then say which class it is.",
    " and work out what kind it is.",
    ", then give your conclusion.",
    " before you decide what it is.",
)

_ASK_CONDITION_AND = (
    "What condition does this {noun} show",
    "Which condition do you see in this {noun}",
    "What is the state of this {noun}",
    "How would you judge the condition of this {noun}",
    "Which finding fits this {noun}",
    "What does this {noun} suffer from, if anything",
    "Can you tell the condition of this {noun}",
)
_ASK_CONDITION_ONLY = (
    "What condition does this {noun} show?",
    "Which condition is seen in this {noun}?",
    "What is the condition of this {noun}?",
    "What is the state of this {noun}?",
    "Which finding does this {noun} show?",
    "How would you name the condition of this {noun}?",
    "Which category does the condition of this {noun} belong to?",
    "Tell me the condition of this {noun}.",
)
_THEN_NAME_CONDITION = (
    ", then name its condition.",
    " and conclude which condition it shows.",
    ", then say what condition it is in.",
    " and work out what it shows.",
    ", then give your finding.",
    " before you decide on its condition.",
)

Pools = dict[QuestionKind, tuple[str, ...]]


def _crossed(ask_and: tuple[str, ...], ask_only: tuple[str, ...], then_name: tuple[str, ...]) -> Pools:
    return {
        QuestionKind.EXPLAIN: tuple(a + b for a, b in product(ask_and, _REASONS)),
        QuestionKind.SIMPLE: tuple(a + b for a, b in product(ask_only, _BRIEFLY)),
        QuestionKind.STEP_BY_STEP: tuple(a + b for a, b in product(_LOOK_FIRST, then_name)),
    }


TEMPLATES: dict[AsksFor, Pools] = {
    "kind": _crossed(_ASK_AND, _ASK_ONLY, _THEN_NAME),
    "condition": _crossed(_ASK_CONDITION_AND, _ASK_CONDITION_ONLY, _THEN_NAME_CONDITION),
}
