"""Draws an example's questions from the pools, and orders what is told with them. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.prompts import Pools, QuestionKind, question_pools
from shared.job_settings import JobSettings, QuestionMix, SynthesiseSettings


@dataclass(frozen=True)
class Question:
    """`id` counts an example's questions."""

    id: int
    kind: QuestionKind
    text: str


def pools_of(settings: JobSettings) -> Pools:
    """The questions that the job may ask."""
    return question_pools(settings.noun, settings.asks_for, with_domain=settings.questions == "domain")


def draw_questions(mix: QuestionMix, count: int, pools: Pools, seed: int) -> tuple[Question, ...]:
    """`count` questions whose kinds follow the mix. None comes twice while its kind's pool lasts."""
    draw = random.Random(seed)
    kinds = draw.choices(list(QuestionKind), weights=[getattr(mix, kind.value) for kind in QuestionKind], k=count)
    fresh: dict[QuestionKind, list[str]] = {kind: [] for kind in QuestionKind}
    return tuple(Question(id_, kind, _next(fresh[kind], pools[kind], draw)) for id_, kind in enumerate(kinds))


def draw_simple(question: Question, pools: Pools, seed: int) -> Question:
    """A simple question in the place of `question`: one to which the bare label is a whole answer."""
    return Question(question.id, QuestionKind.SIMPLE, random.Random(seed).choice(pools[QuestionKind.SIMPLE]))


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
