"""The codes of all findings, and how grave each is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.api.datasets.listing import Severity


@dataclass(frozen=True)
class Code:
    """`skippable`: with the policy `skip` the images concerned are left out, and the error becomes a warning."""

    severity: Severity
    skippable: bool = False


_UNUSABLE = Code("error", skippable=True)
_ERROR = Code("error")
_WARNING = Code("warning")

OF_IMAGES: Mapping[str, Code] = {
    "path_not_allowed": _UNUSABLE,
    "image_missing": _UNUSABLE,
    "image_empty": _UNUSABLE,
    "image_broken": _UNUSABLE,
    "image_format": _UNUSABLE,
    "image_bomb": _UNUSABLE,
    "image_small": _UNUSABLE,
    "image_extension": _WARNING,
    "image_animated": _WARNING,
    "image_pages": _WARNING,
    "image_grey": _WARNING,
    "image_blank": _WARNING,
    "image_aspect": _WARNING,
    "image_deep": _WARNING,
    "image_transparent": _WARNING,
}

OF_SETS: Mapping[str, Code] = {
    "empty_class": _ERROR,
    "empty_label": _ERROR,
    "too_few_classes": _ERROR,
    "class_without_train": _ERROR,
    "class_small": _WARNING,
    "class_without_test": _WARNING,
    "imbalance": _WARNING,
    "no_test": _WARNING,
    "image_unlisted": _WARNING,
    "copies": _WARNING,
    "copies_disagree": _UNUSABLE,
    "leak": _UNUSABLE,
    "near_copies": _WARNING,
    "near_copies_disagree": _WARNING,
    "near_leak": _WARNING,
    "group_leak": _WARNING,
    "no_concept_bank": _WARNING,
    "labels_without_concepts": _WARNING,
    "concepts_without_images": _WARNING,
}


def code_of(name: str) -> Code:
    """A code that stands in no table (a reader's own) is an error that cannot be skipped."""
    return OF_IMAGES.get(name) or OF_SETS.get(name) or _ERROR
