"""Measures explanations against the world's truth: which features a text cites, and whether they can be seen.

For measuring only: nothing that trains may read it. Knows no model.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfsynth.demo.world.attributes import MEANING, Attributes
from selfsynth.demo.world.species import species

__all__ = [
    "Truth",
    "cited",
    "explanation_precision",
    "explanation_recall",
    "hidden_often",
    "image_blind_precision",
    "read_truth",
    "species",
]


@dataclass(frozen=True)
class Truth:
    """What is in a picture, and which parts of it cannot be seen. `species` is the true one, whatever the label says;
    `own_background`: the sky has the colour that goes with the species (None where species have none)."""

    attributes: Attributes
    hidden: frozenset[str]
    species: str = ""
    own_background: bool | None = None

    @property
    def visible(self) -> set[tuple[str, str]]:
        """(part, value) of every part that can be seen."""
        return {(part, value) for part, value in self.attributes.items() if part not in self.hidden}


def read_truth(path: Path) -> dict[str, Truth]:
    """Reads truth.json: image id -> truth."""
    rows = json.loads(path.read_text())
    return {
        id_: Truth(row["attributes"], frozenset(row["hidden"]), row["species"], row["own_background"])
        for id_, row in rows.items()
    }


def cited(text: str) -> list[tuple[str, str]]:
    """Each (part, value) that the text cites by a phrase of the world, once, in order of appearance."""
    lowered = text.lower()
    places = sorted((lowered.find(phrase), meaning) for phrase, meaning in MEANING.items() if phrase in lowered)
    return list(dict.fromkeys(meaning for _, meaning in places))


def hidden_often(truths: Sequence[Truth]) -> dict[str, float]:
    """For each part the share of the pictures in which it is hidden: a weight under which a part counts for as much as
    there is to be learnt by looking. A part that is never hidden counts for nothing."""
    counts = Counter(part for truth in truths for part in truth.hidden)
    return {part: counts[part] / len(truths) for truth in truths for part in truth.attributes}


def explanation_precision(
    texts: Sequence[str], truths: Sequence[Truth], weights: Mapping[str, float] | None = None
) -> float:
    """Share of all citations whose value is right and whose part is visible; nan where nothing is cited.

    Every part of the world can be hidden, so that citing a species' features without looking scores about .72.
    `weights` are those of the parts; None: all are alike.
    """
    right, total = _sums(texts, truths, weights)
    return right / total if total else float("nan")


def explanation_recall(
    texts: Sequence[str], truths: Sequence[Truth], weights: Mapping[str, float] | None = None
) -> float:
    """Share of all visible parts that are cited rightly; nan where none has a weight."""
    right, _ = _sums(texts, truths, weights)
    visible = sum(_weight(truth.visible, weights) for truth in truths)
    return right / visible if visible else float("nan")


def image_blind_precision(truths: Sequence[Truth], weights: Mapping[str, float] | None = None) -> float:
    """Precision of an explainer that cites every true attribute of the class without looking at the image."""
    total = sum(_weight(truth.attributes.items(), weights) for truth in truths)
    return sum(_weight(truth.visible, weights) for truth in truths) / total if total else float("nan")


def explanation_measures(texts: Mapping[str, str], truths: Mapping[str, Truth]) -> dict[str, float]:
    """Precision, recall and the image-blind precision for texts by image id."""
    said, known = list(texts.values()), [truths[id_] for id_ in texts]
    return {
        "precision": explanation_precision(said, known),
        "recall": explanation_recall(said, known),
        "image_blind_precision": image_blind_precision(known),
    }


def _sums(texts: Sequence[str], truths: Sequence[Truth], weights: Mapping[str, float] | None) -> tuple[float, float]:
    """Of what is cited rightly, and of all that is cited."""
    pairs = [(cited(text), truth.visible) for text, truth in zip(texts, truths, strict=True)]
    right = sum(_weight(set(said) & visible, weights) for said, visible in pairs)
    return right, sum(_weight(said, weights) for said, _ in pairs)


def _weight(features: Iterable[tuple[str, str]], weights: Mapping[str, float] | None) -> float:
    return sum(1.0 if weights is None else weights.get(part, 0.0) for part, _ in features)
