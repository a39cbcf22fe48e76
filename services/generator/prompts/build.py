"""Fills the templates for a domain's noun; one wording for synthesis, answering, rationalisation and evaluation."""

import hashlib
from collections.abc import Sequence

from services.generator.prompts.questions import TEMPLATES, QuestionKind

_DESCRIBE = (
    "Describe the {noun} in detail. Mention only what can be seen.",
    "What does the {noun} look like? Go through its visible parts.",
    "List the visual features of this {noun}.",
)
_HASHED_LABEL, _HASHED_CONCEPTS = "some label", ("first feature", "second feature")


def describe_instructions(noun: str) -> tuple[str, ...]:
    """The three instructions that ask for a description of the image."""
    return tuple(template.format(noun=noun) for template in _DESCRIBE)


def question_pool(kind: QuestionKind, noun: str) -> tuple[str, ...]:
    """All distinct questions of a kind, at least 40, in a fixed order."""
    return tuple(template.format(noun=noun) for template in TEMPLATES[kind])


def synthesis_prompt(label: str, concepts: Sequence[str], question: str, noun: str) -> str:
    """Tell the model label and visible features, then ask.

    Serves round 1 and, later, rationalisation: the teacher is asked again with label and concepts. The telling is
    plain prose that an answer can quote word for word, and short, since small models have few positions. Without
    concepts only the label is told.
    """
    shown = f" It shows {', '.join(concepts)}." if concepts else ""
    return f"This {noun} is {label}.{shown}\nAnswer as if you saw it yourself. {question}"


def prompts_hash(noun: str) -> str:
    """SHA-256 (hex) over every prompt and question as rendered for the noun.

    A model trained on the prompts records it, so that a change of wording can be noticed.
    """
    questions = [question for kind in QuestionKind for question in question_pool(kind, noun)]
    synthesis = (
        synthesis_prompt(_HASHED_LABEL, _HASHED_CONCEPTS, questions[0], noun),
        synthesis_prompt(_HASHED_LABEL, (), questions[0], noun),
    )
    rendered = "\0".join((*describe_instructions(noun), *questions, *synthesis))
    return hashlib.sha256(rendered.encode()).hexdigest()
