"""The question pools as templates over a domain's noun: openings crossed with endings.

Generic on purpose: a question never hints at a class or a feature.
"""

from enum import StrEnum
from itertools import product


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

TEMPLATES: dict[QuestionKind, tuple[str, ...]] = {
    QuestionKind.EXPLAIN: tuple(a + b for a, b in product(_ASK_AND, _REASONS)),
    QuestionKind.SIMPLE: tuple(a + b for a, b in product(_ASK_ONLY, _BRIEFLY)),
    QuestionKind.STEP_BY_STEP: tuple(a + b for a, b in product(_LOOK_FIRST, _THEN_NAME)),
}
