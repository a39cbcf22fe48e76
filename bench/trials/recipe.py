"""The arms, and the job settings that they share on the hard world: the demo's, but for what validation there chose
(docs/benchmarks.md tells how)."""

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
    "refreshed": "ours, concepts chosen anew from the model that enters the round (differs from round 2 on)",
    "ours": "ours",
    "shuffled_labels": "ours, labels shuffled against images (must end at chance)",
}
ASKED_SIMPLY = frozenset({"label_only"})
OWN_CONCEPTS = frozenset({"paper", "shuffled_labels", "without_doubted"})
# They differ from `ours` only after round 1's pairs are made.
ROUND_1_OF_OURS = frozenset({"first_sample", "plain_loss", "refreshed"})
# What is as `ours` but for some settings.
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "paper": {"train": {"label_weight": 1.0}},
    "plain_loss": {"train": {"label_weight": 1.0}},
    "refreshed": {"select_concepts": {"refresh": True}},
    "without_doubted": {"select_concepts": {"doubt_share": 0.25}},
}
