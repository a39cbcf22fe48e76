"""Measures explanations against the world's truth: which features a text cites, and whether they can be seen.

For measuring only: nothing that trains may read it. Knows no model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfsynth.demo.world.attributes import MEANING, Attributes
from selfsynth.demo.world.species import species

__all__ = [
    "Truth",
    "cited",
    "explanation_precision",
    "explanation_recall",
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


def explanation_precision(texts: Sequence[str], truths: Sequence[Truth]) -> float:
    """Share of all citations whose value is right and whose part is visible; nan where nothing is cited.

    Every part of the world can be hidden, so that citing a species' features without looking scores about .72.
    """
    right, total = _counts(texts, truths)
    return right / total if total else float("nan")


def explanation_recall(texts: Sequence[str], truths: Sequence[Truth]) -> float:
    """Share of all visible parts that are cited rightly."""
    right, _ = _counts(texts, truths)
    return right / sum(len(truth.visible) for truth in truths)


def image_blind_precision(truths: Sequence[Truth]) -> float:
    """Precision of an explainer that cites every true attribute of the class without looking at the image."""
    return sum(len(truth.visible) for truth in truths) / sum(len(truth.attributes) for truth in truths)


def explanation_measures(texts: Mapping[str, str], truths: Mapping[str, Truth]) -> dict[str, float]:
    """Precision, recall and the image-blind precision for texts by image id."""
    said, known = list(texts.values()), [truths[id_] for id_ in texts]
    return {
        "precision": explanation_precision(said, known),
        "recall": explanation_recall(said, known),
        "image_blind_precision": image_blind_precision(known),
    }


def _counts(texts: Sequence[str], truths: Sequence[Truth]) -> tuple[int, int]:
    pairs = [(cited(text), truth.visible) for text, truth in zip(texts, truths, strict=True)]
    return sum(len(set(said) & visible) for said, visible in pairs), sum(len(said) for said, _ in pairs)
