"""Draws an example's questions from the pools, and orders what is told with them. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.prompts import QuestionKind, question_pool
from shared.job_settings import QuestionMix, SynthesiseSettings
from shared.types.domain import AsksFor


@dataclass(frozen=True)
class Question:
    """`id` counts an example's questions."""

    id: int
    kind: QuestionKind
    text: str


def draw_questions(
    mix: QuestionMix, count: int, noun: str, seed: int, asks_for: AsksFor = "kind"
) -> tuple[Question, ...]:
    """`count` questions whose kinds follow the mix. None comes twice while its kind's pool lasts."""
    draw = random.Random(seed)
    kinds = draw.choices(list(QuestionKind), weights=[getattr(mix, kind.value) for kind in QuestionKind], k=count)
    pools = {kind: question_pool(kind, noun, asks_for) for kind in QuestionKind}
    fresh: dict[QuestionKind, list[str]] = {kind: [] for kind in QuestionKind}
    return tuple(Question(id_, kind, _next(fresh[kind], pools[kind], draw)) for id_, kind in enumerate(kinds))


def draw_simple(question: Question, noun: str, seed: int, asks_for: AsksFor = "kind") -> Question:
    """A simple question in the place of `question`: one to which the bare label is a whole answer."""
    text = random.Random(seed).choice(question_pool(QuestionKind.SIMPLE, noun, asks_for))
    return Question(question.id, QuestionKind.SIMPLE, text)


def told(best_first: Sequence[str], bank: Sequence[str], settings: SynthesiseSettings, seed: int) -> tuple[str, ...]:
    """Which of the chosen concepts are told, and in which order. `bank` holds the class's concepts in their order."""
    kept = list(best_first[: settings.most_concepts])
    if settings.told_order == "bank":
        kept.sort(key=bank.index)
    elif settings.told_order == "shuffled":
        random.Random(seed).shuffle(kept)
    return tuple(kept)


def _next(fresh: list[str], pool: Sequence[str], draw: random.Random) -> str:
    if not fresh:
        fresh.extend(draw.sample(pool, len(pool)))
    return fresh.pop()
