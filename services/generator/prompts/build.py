"""Fills the templates for a domain's noun; one wording for synthesis, answering, rationalisation and evaluation."""

import hashlib
from collections.abc import Sequence

from services.generator.prompts.domains import domain_questions
from services.generator.prompts.questions import TEMPLATES, Pools, QuestionKind
from shared.types.domain import AsksFor

_DESCRIBE = (
    "Describe the {noun} in detail. Mention only what can be seen.",
    "What does the {noun} look like? Go through its visible parts.",
    "List the visual features of this {noun}.",
)
_VERB: dict[AsksFor, str] = {"kind": "is", "condition": "shows"}
_HASHED_LABEL, _HASHED_CONCEPTS = "some label", ("first feature", "second feature")


def describe_instructions(noun: str) -> tuple[str, ...]:
    """The three instructions that ask for a description of the image."""
    return tuple(template.format(noun=noun) for template in _DESCRIBE)


def question_pool(kind: QuestionKind, noun: str, asks_for: AsksFor = "kind") -> tuple[str, ...]:
    """All distinct generic questions of a kind, at least 40, in a fixed order."""
    return tuple(template.format(noun=noun) for template in TEMPLATES[asks_for][kind])


def question_pools(noun: str, asks_for: AsksFor = "kind", *, with_domain: bool = False) -> Pools:
    """The generic questions of every kind; `with_domain`, after them those that the domain has of its own, if any."""
    own = domain_questions(noun, asks_for) if with_domain else {}
    return {kind: question_pool(kind, noun, asks_for) + own.get(kind, ()) for kind in QuestionKind}


def synthesis_prompt(label: str, concepts: Sequence[str], question: str, noun: str, asks_for: AsksFor = "kind") -> str:
    """Tell the model label and visible features, then ask.

    Serves round 1 and, later, rationalisation: the teacher is asked again with label and concepts. The telling is
    plain prose that an answer can quote word for word, and short, since small models have few positions. Without
    concepts only the label is told.
    """
    shown = f" It shows {', '.join(concepts)}." if concepts else ""
    return f"This {noun} {_VERB[asks_for]} {label}.{shown}\nAnswer as if you saw it yourself. {question}"


def view_prompt(noun: str, label: str | None) -> str:
    """Ask for the visible features of the image, as a list; with a label, of what is typical of it. The last words are
    those of an instruction to describe, which models that learn from the descriptions know."""
    told = f"This {noun} is {label}.\n" if label else ""
    return told + _DESCRIBE[-1].format(noun=noun)


def view_prompt_hash(noun: str, tells_label: bool) -> str:
    """SHA-256 (hex) over the prompt as put about a class in general."""
    return hashlib.sha256(view_prompt(noun, _HASHED_LABEL if tells_label else None).encode()).hexdigest()


def prompts_hash(noun: str, asks_for: AsksFor = "kind") -> str:
    """SHA-256 (hex) over every generic prompt and question as rendered for the noun.

    A model trained on the prompts records it, so that a change of wording can be noticed.
    """
    questions = [question for kind in QuestionKind for question in question_pool(kind, noun, asks_for)]
    synthesis = (
        synthesis_prompt(_HASHED_LABEL, _HASHED_CONCEPTS, questions[0], noun, asks_for),
        synthesis_prompt(_HASHED_LABEL, (), questions[0], noun, asks_for),
    )
    rendered = "\0".join((*describe_instructions(noun), *questions, *synthesis))
    return hashlib.sha256(rendered.encode()).hexdigest()
