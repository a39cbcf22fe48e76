"""What the base model is taught to say: pairs of question and answer about a scene, in the generator's own words.

The questions come from the generator's prompt builder, so that the model answers what the services will ask. No
species is ever named.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from selfsynth.demo.base.names import random_feature, random_name
from selfsynth.demo.world.attributes import MEANING, PARTS, all_phrases, spoken_phrases
from selfsynth.demo.world.scene import Scene, random_attributes
from services.generator.prompts import QuestionKind, describe_instructions, question_pool, synthesis_prompt

NOUN = "bird"
UNKNOWN = "a wild bird"
MOST_FEATURES = len(PARTS)
NOT_VISIBLE = "That part is not visible."
_TOLD_SHARE = 0.95
_REASONED = ("It shows {features}, so it is {name}.", "The bird shows {features}, so it is {name}.")
_NAMED_LAST = ("You can see {features}, so this is {name}.", "The image shows {features}, so this is {name}.")
_NAMED_ONLY = ("This bird is {name}.", "This is {name}.")
_DESCRIBED = ("The bird has {features}, and that is all.", "You can see {features}, and that is all.")
_PART_QUESTION = "What does the {part} of the bird look like?"


@dataclass(frozen=True)
class Lesson:
    """One exchange about an image."""

    question: str
    answer: str


@dataclass(frozen=True)
class Mix:
    """Shares of the lessons: descriptions, single parts, untold questions; the rest is told label and features."""

    describe: float = 0.22
    part: float = 0.04
    untold: float = 0.16
    invented_names: float = 0.7
    invented_features: float = 0.3
    grounded: bool = False


COPYING = Mix()
"""Told names and features are often made up, so that they cannot be guessed and only copying helps. Names follow from
the features said before them, so that a name is later learned from what was seen and said."""
GROUNDING = Mix(describe=0.25, grounded=True)
"""Told features are mostly visible; of those that are, each part is quoted once, in the order of PARTS. No list ends in
"and", since a model that has said it must go on, and repeats itself where nothing is left to say."""


def lesson(scene: Scene, rng: random.Random, mix: Mix = GROUNDING) -> Lesson:
    """A random exchange about the scene; the mix follows from what the loop asks of the model."""
    draw = rng.random()
    if draw < mix.describe:
        return Lesson(rng.choice(describe_instructions(NOUN)), description(scene, rng))
    if draw < mix.describe + mix.part:
        return _part_lesson(scene, rng)
    kind = rng.choice((QuestionKind.EXPLAIN, QuestionKind.EXPLAIN, QuestionKind.STEP_BY_STEP, QuestionKind.SIMPLE))
    question = rng.choice(question_pool(kind, NOUN))
    if draw < mix.describe + mix.part + mix.untold:
        return Lesson(question, answer(kind, UNKNOWN, seen_phrases(scene, rng, MOST_FEATURES), rng))
    return _told_lesson(scene, kind, question, rng, mix)


def seen_phrases(scene: Scene, rng: random.Random, most: int) -> list[str]:
    """One phrase for each visible part, at most `most` of them, in the order of PARTS."""
    visible = scene.visible
    chosen = sorted(rng.sample(list(visible), min(most, len(visible))), key=PARTS.index)
    return [rng.choice(spoken_phrases(part, visible[part])) for part in chosen]


def told_phrases(scene: Scene, rng: random.Random, invented: float = 0.0) -> list[str]:
    """A shuffled list as a job would tell it; half of the lists belong to another bird, so that copying is learned.

    Concept banks' own phrasings occur too, and `invented` of the features are made up.
    """
    attributes = scene.visible if rng.random() < 0.5 else random_attributes(rng)
    parts = rng.sample(list(attributes), rng.randint(2, min(7, len(attributes))))
    phrases = [rng.choice(all_phrases(part, attributes[part])) for part in parts]
    if rng.random() < 0.3:
        phrases.append(rng.choice([p for p in all_phrases(parts[0], attributes[parts[0]]) if p not in phrases]))
    if invented:
        phrases = [random_feature(rng) if rng.random() < invented else phrase for phrase in phrases]
    rng.shuffle(phrases)
    return phrases


def answer(kind: QuestionKind, name: str, features: Sequence[str], rng: random.Random) -> str:
    """The answer to a question of the kind, quoting the first MOST_FEATURES features in their order."""
    templates = {
        QuestionKind.EXPLAIN: _REASONED,
        QuestionKind.STEP_BY_STEP: _NAMED_LAST,
        QuestionKind.SIMPLE: _NAMED_ONLY,
    }[kind]
    return rng.choice(templates).format(name=name, features=", ".join(features[:MOST_FEATURES]))


def description(scene: Scene, rng: random.Random) -> str:
    """One sentence over all visible parts."""
    return rng.choice(_DESCRIBED).format(features=", ".join(seen_phrases(scene, rng, len(PARTS))))


def _part_lesson(scene: Scene, rng: random.Random) -> Lesson:
    part = rng.choice(PARTS)
    if part in scene.hidden:
        return Lesson(_PART_QUESTION.format(part=part), NOT_VISIBLE)
    return Lesson(
        _PART_QUESTION.format(part=part), f"It has {rng.choice(spoken_phrases(part, scene.attributes[part]))}."
    )


def _told_lesson(scene: Scene, kind: QuestionKind, question: str, rng: random.Random, mix: Mix) -> Lesson:
    name = random_name(rng, mix.invented_names)
    if rng.random() >= _TOLD_SHARE:
        told, quoted = [], seen_phrases(scene, rng, MOST_FEATURES)
    elif mix.grounded:
        told = visible_phrases(scene, rng)
        quoted = quotable(told, scene)
    else:
        told = quoted = told_phrases(scene, rng, mix.invented_features)
    return Lesson(synthesis_prompt(name, told, question, NOUN), answer(kind, name, quoted, rng))


def visible_phrases(scene: Scene, rng: random.Random) -> list[str]:
    """A list as the loop tells it: most visible parts, some in two phrasings, now and then something wrong; in the
    order of PARTS or shuffled."""
    visible, other = scene.visible, random_attributes(rng)
    told: list[str] = []
    for part in PARTS:
        if part in visible and rng.random() < 0.85:
            told += rng.sample(all_phrases(part, visible[part]), 2 if rng.random() < 0.15 else 1)
        elif rng.random() < 0.1 and visible.get(part) != other[part]:
            told.append(rng.choice(all_phrases(part, other[part])))
    if rng.random() < 0.4:
        rng.shuffle(told)
    return told


def quotable(told: Sequence[str], scene: Scene) -> list[str]:
    """Of the told phrases the first for each visible part, in the order of PARTS."""
    first: dict[str, str] = {}
    for phrase in told:
        part, value = MEANING.get(phrase, ("", ""))
        if scene.visible.get(part) == value:
            first.setdefault(part, phrase)
    return [first[part] for part in PARTS if part in first] or list(told[:1])
