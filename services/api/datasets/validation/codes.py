"""The codes of all findings: how grave each is, what it is called, and how to mend it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.api.datasets.listing import Severity


@dataclass(frozen=True)
class Code:
    """`skippable`: with the policy `skip` the images concerned are left out, and the error becomes a warning."""

    title: str
    remedy: str
    severity: Severity = "warning"
    skippable: bool = False


def _unusable(title: str, remedy: str) -> Code:
    return Code(title, remedy, "error", skippable=True)


def _error(title: str, remedy: str) -> Code:
    return Code(title, remedy, "error")


_REPLACE = "Replace these files or take them out."
_ONE_COPY = "Keep one of each."

OF_SETS: Mapping[str, Code] = {
    "too_few_classes": _error("Too few classes", "A data set needs at least two."),
    "empty_class": _error("Class folders without images", "Put images there or remove the folders."),
    "empty_label": _unusable("Images without a label", "Give each a label, or take it off the list."),
    "labels_alike": _error("Class names that look alike", "Give each class a name of its own."),
    "class_without_images": _error("Labels without images", "Add images or take the labels out."),
    "class_without_train": _error("Classes without a train image", "Add some or take the classes out."),
    "leak": _unusable("The same picture on both sides of a split", _ONE_COPY),
    "group_leak": _unusable("A patient or lesion on both sides of a split", "Move each to one side."),
    "copies_disagree": _unusable("The same picture under different labels", "Find out which label is right."),
    "near_leak": Code("Nearly the same picture on both sides of a split", "Test figures will flatter the model."),
    "near_copies_disagree": Code("Nearly the same picture under different labels", "Find out which label is right."),
    "copies": Code("The same picture several times", _ONE_COPY),
    "near_copies": Code("Nearly the same picture several times", "Keep one of each unless they differ on purpose."),
    "class_small": Code("Classes with few images", "Add images: a class this small is hardly learnt."),
    "imbalance": Code("Classes of very different sizes", "Add images to the small ones, or look at figures by class."),
    "no_test": Code("No test split", ""),
    "class_without_test": Code("Classes without a test image", "Their accuracy cannot be told."),
    "several_labels": Code("Images with several labels", "Leave each image one label, or leave them out."),
    "list_missing": Code("Lists that are missing", "Unpack the whole data set."),
    "folder_ignored": Code("Folders that are not used", "Move their images, or leave it so."),
    "image_unlisted": Code("Images that no list names", "List them with a label, or take them out."),
    "several_concept_banks": Code("Several concept banks", "Keep one."),
    "no_concept_bank": Code(
        "No concept bank", "Put concepts.json into the folder, or use `selfsynth datasets concepts build` or `set`."
    ),
    "labels_without_concepts": Code("Classes without concepts", "Add concepts for them."),
    "conversation_unreadable": _unusable("Rows that are no conversation", "Mend them or take them out."),
    "concepts_without_images": Code("Concepts of classes without images", "They are not used."),
}

OF_IMAGES: Mapping[str, Code] = {
    "path_not_allowed": _unusable("Files outside the allowed folders", "Put them inside the data set's folder."),
    "image_missing": _unusable("Missing files", "Put the files where the list says, or take them off the list."),
    "image_empty": _unusable("Empty files", _REPLACE),
    "image_broken": _unusable("Broken images", _REPLACE),
    "image_format": _unusable("Images in a format that is not taken", "Convert them to JPEG or PNG."),
    "image_bomb": _unusable("Images too large to decode", "Shrink them or take them out."),
    "image_small": _unusable("Images too small to see anything in", _REPLACE),
    "image_aspect": Code("Images of an extreme shape", "Crop them to what they show."),
    "image_animated": Code("Animations", "Only the first frame is used."),
    "image_pages": Code("Files with several pages", "Only the first page is used."),
    "image_extension": Code("Files whose name tells another format", "They are read as what they are."),
    "image_blank": Code("Images of one colour", "Take them out unless that is what they show."),
    "image_grey": Code("Grey images", "They are used as they are."),
    "image_deep": Code("Images of 16 bits a pixel", "They are scaled to 8 bits."),
    "image_transparent": Code("Transparent images", "What shines through was made white."),
}

_UNKNOWN = _error("Faults of the layout", "")


def code_of(name: str) -> Code:
    """A code that stands in no table is a reader's own."""
    return OF_SETS.get(name) or OF_IMAGES.get(name) or _UNKNOWN


def rank(name: str) -> int:
    """Where a code's findings stand in a report: what concerns all first."""
    order = (*OF_SETS, *OF_IMAGES)
    return order.index(name) if name in order else -1
