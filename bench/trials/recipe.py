"""The arms, and the job settings that they share on the hard world: the demo's, but for what validation there chose
(docs/benchmarks.md tells how)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from selfsynth.demo.settings import JOB as DEMO

JOB: dict[str, Any] = DEMO | {"train": DEMO["train"] | {"label_weight": 8.0}}

ARMS: Mapping[str, str] = {
    "base": "the base, untrained",
    "label_only": "the label and nothing else",
    "class_explanation": "label and the same explanation for all images of a class",
    "own_explanation": "the base's own explanation with the label put in",
    "no_selection": "ours, as many concepts of the class drawn blindly",
    "other_image": "ours, with the concepts of another image of the class",
    "first_sample": "ours, the first fit candidate instead of the best (differs from round 2 on)",
    "paper": "`method: paper`",
    "plain_loss": "ours, the label's tokens counting as much as others",
    "without_doubted": "ours, without the images that are perhaps labelled wrongly (`doubt_share` .25)",
    "descriptions": "ours, concepts chosen by whole descriptions instead of their clauses",
    "repeating": "ours, answers that repeat themselves let through",
    "no_rationalising": "ours, no answer asked for again with label and concepts (differs from round 2 on)",
    "differing": "ours, asked on until three candidates differ (`answer.distinct` 3; differs from round 2 on)",
    "contrast": "ours, candidates scored by what the picture adds, too (`contrast_weight` 1; differs from round 2 on)",
    "refreshed": "ours, concepts chosen anew from the model that enters the round (differs from round 2 on)",
    "ours": "ours",
    "shuffled_labels": "ours, labels shuffled against images (must end at chance)",
}
ASKED_SIMPLY = frozenset({"label_only"})
# Their pairs are no choice among the model's own answers.
GIVEN = ASKED_SIMPLY | {"class_explanation", "own_explanation"}
# Their concepts are not chosen for their image.
BLIND = frozenset({"no_selection", "other_image"})
OWN_CONCEPTS = frozenset({"paper", "shuffled_labels", "without_doubted", "descriptions"})
# They differ from `ours` only after round 1.
ROUND_1_OF_OURS = frozenset({"first_sample", "no_rationalising", "differing", "contrast", "refreshed"})
PAIRS_1_OF_OURS = ROUND_1_OF_OURS | {"plain_loss"}
# What is as `ours` but for some settings.
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "paper": {"train": {"label_weight": 1.0}},
    "plain_loss": {"train": {"label_weight": 1.0}},
    "without_doubted": {"select_concepts": {"doubt_share": 0.25}},
    "descriptions": {"select_concepts": {"evidence": "description"}},
    "repeating": {"synthesise": {"reject_repetition": False}, "select_answers": {"reject_repetition": False}},
    "no_rationalising": {"answer": {"rationalise": 0}},
    "differing": {"answer": {"distinct": 3}},
    "contrast": {"select_answers": {"contrast_weight": 1.0}},
    "refreshed": {"select_concepts": {"refresh": True}},
}


def recipe_of(arm: str) -> str:
    """Tells outcomes of other settings from those of these."""
    return hashlib.sha256(json.dumps([JOB, CHANGED.get(arm, {})], sort_keys=True).encode()).hexdigest()[:12]
