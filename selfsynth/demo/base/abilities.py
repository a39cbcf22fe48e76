"""What the base can do and what it does not know, measured on birds it has never seen.

The figures are written beside the checkpoint by training and measured anew by the tests.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from selfsynth.demo.base.lessons import NOUN, UNKNOWN, quotable, told_phrases
from selfsynth.demo.base.names import random_name
from selfsynth.demo.base.speech import Speaker
from selfsynth.demo.world.attributes import MEANING
from selfsynth.demo.world.measure import Truth, explanation_precision, explanation_recall
from selfsynth.demo.world.scene import Scene, random_scene, render
from selfsynth.demo.world.species import concept_bank, species
from services.generator.prompts import QuestionKind, describe_instructions, question_pool, synthesis_prompt

_TIMES_ASKED = 4
_EXPLAINING = (QuestionKind.EXPLAIN, QuestionKind.STEP_BY_STEP)


class Examination:
    """Scenes of the world's species from a seed of their own, and the questions asked about them."""

    def __init__(self, speaker: Speaker, seed: int, birds: int) -> None:
        self._speaker, self._rng, self._birds = speaker, random.Random(f"examination {seed}"), birds

    def all(self) -> dict[str, Any]:
        """Every measure in one mapping."""
        return {
            "birds": self._birds,
            **self.describing(),
            **self.explaining_unknown(),
            **self.copying(),
            **self.copying_any_name(),
            **self.knowing_species(),
            "linear_probe_accuracy": self.linear_probe(),
        }

    def describing(self) -> dict[str, float]:
        """Precision and recall of descriptions over the visible parts."""
        scenes, images = self._draw()
        texts = self._speaker.answers(images, [self._rng.choice(describe_instructions(NOUN)) for _ in scenes])
        truths = _truths(scenes)
        return {
            "description_precision": explanation_precision(texts, truths),
            "description_recall": explanation_recall(texts, truths),
            "description_repetition": repetition(texts),
        }

    def explaining_unknown(self) -> dict[str, float]:
        """Untold questions of all three kinds over the full pools."""
        scenes, images = self._draw()
        pool = [question for kind in _EXPLAINING for question in question_pool(kind, NOUN)]
        texts = self._speaker.answers(images, self._rng.choices(pool, k=len(images)))
        truths = _truths(scenes)
        simple = self._speaker.answers(
            images, self._rng.choices(question_pool(QuestionKind.SIMPLE, NOUN), k=len(images))
        )
        return {
            "explanation_precision": explanation_precision(texts, truths),
            "explanation_recall": explanation_recall(texts, truths),
            "explanation_repetition": repetition(texts),
            "untold_answered": _share(UNKNOWN in text for text in (*texts, *simple)),
        }

    def copying(self) -> dict[str, Any]:
        """Told label and concepts of the bank, over every question of every pool: is the label named, is what can be
        seen quoted, and is what cannot be seen left out?"""
        questions = [(kind, question) for kind in QuestionKind for question in question_pool(kind, NOUN)]
        named: dict[str, list[bool]] = defaultdict(list)
        quoted: list[bool] = []
        unseen: list[bool] = []
        kinds: list[bool] = []
        names = cycle(species())
        asked = [(next(names), kind, question) for kind, question in questions for _ in range(_TIMES_ASKED)]
        scenes = [random_scene(self._rng, species()[name]) for name, _, _ in asked]
        told = [self._selected(name, scene) for (name, _, _), scene in zip(asked, scenes, strict=True)]
        prompts = [synthesis_prompt(name, list_, q, NOUN) for (name, _, q), list_ in zip(asked, told, strict=True)]
        texts = self._speaker.answers([render(scene) for scene in scenes], prompts)
        for (name, kind, _), list_, scene, text in zip(asked, told, scenes, texts, strict=True):
            named[name].append(name in text)
            kinds.append(any(concept in text for concept in list_) == (kind in _EXPLAINING))
            if kind in _EXPLAINING:
                seen = quotable(list_, scene)
                quoted.extend(concept in text for concept in seen)
                unseen.extend(c in text for c in list_ if MEANING.get(c, ("", "")) not in scene.visible.items())
        return {
            "label_copied": {name: _share(hits) for name, hits in named.items()},
            "label_copied_least": min(_share(hits) for hits in named.values()),
            "features_copied": _share(quoted),
            "unseen_features_copied": _share(unseen),
            "kind_respected": _share(kinds),
            "told_repetition": repetition(texts),
        }

    def _selected(self, name: str, scene: Scene) -> list[str]:
        """The bank's concepts as a good selection leaves them: most of what can be seen, little of what cannot."""
        visible = scene.visible.items()
        chances = {c: 0.9 if MEANING.get(c, ("", "")) in visible else 0.1 for c in concept_bank(name)}
        return [concept for concept, chance in chances.items() if self._rng.random() < chance]

    def copying_any_name(self) -> dict[str, float]:
        """Invented names and shuffled lists, as in the lessons."""
        scenes, images = self._draw()
        pool = question_pool(QuestionKind.EXPLAIN, NOUN)
        names = [random_name(self._rng) for _ in scenes]
        prompts = [
            synthesis_prompt(name, told_phrases(scene, self._rng), self._rng.choice(pool), NOUN)
            for name, scene in zip(names, scenes, strict=True)
        ]
        texts = self._speaker.answers(images, prompts)
        return {"any_label_copied": _share(name in text for name, text in zip(names, texts, strict=True))}

    def knowing_species(self) -> dict[str, float]:
        """How often a species is named when nothing is told: the right one, and any of them."""
        names = list(species())
        labels = [name for name in names for _ in range(max(1, self._birds // len(names)))]
        images = [render(random_scene(self._rng, species()[label])) for label in labels]
        pool = question_pool(QuestionKind.EXPLAIN, NOUN) + question_pool(QuestionKind.SIMPLE, NOUN)
        texts = self._speaker.answers(images, self._rng.choices(pool, k=len(labels)))
        return {
            "species_named_rightly": _share(label in text for label, text in zip(labels, texts, strict=True)),
            "any_species_named": _share(any(name in text for name in names) for text in texts),
        }

    def linear_probe(self, train_per_class: int = 60, test_per_class: int = 25) -> float:
        """Held-out accuracy of a logistic regression on the projector's input."""
        (x, y), (x_test, y_test) = (self._labelled(count) for count in (train_per_class, test_per_class))
        probe = LogisticRegression(C=0.01, max_iter=300).fit(x, y)
        return float(probe.score(x_test, y_test))

    def _labelled(self, per_class: int) -> tuple[NDArray[np.float32], list[str]]:
        labels = [name for name in species() for _ in range(per_class)]
        images = [render(random_scene(self._rng, species()[label])) for label in labels]
        return self._speaker.features(images).numpy(), labels

    def _draw(self) -> tuple[list[Scene], list[NDArray[np.uint8]]]:
        scenes = [random_scene(self._rng) for _ in range(self._birds)]
        return scenes, [render(scene) for scene in scenes]


def repetition(texts: Sequence[str]) -> float:
    """Share of texts in which three words in a row occur twice."""
    return _share(_repeats(text) for text in texts)


def _repeats(text: str) -> bool:
    words = text.lower().replace(",", "").replace(".", "").split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) < len(trigrams)


def _truths(scenes: Sequence[Scene]) -> list[Truth]:
    return [Truth(scene.attributes, scene.hidden) for scene in scenes]


def _share(claims: Iterable[bool]) -> float:
    known = list(claims)
    return round(float(np.mean(known)), 4)
