"""What a data set's images show, and what may be done to them. Pure."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Augmentation = Literal["flip_horizontal", "flip_vertical", "rotation", "colour_jitter", "affine", "blur", "perspective"]
Augmentations = tuple[Augmentation, ...]
AsksFor = Literal["kind", "condition"]

EVERY_DAY: Augmentations = ("flip_horizontal", "rotation", "colour_jitter", "affine", "blur", "perspective")
# Mirrored letters, or colours that tell classes apart: of what nobody knows, little can be changed.
CAUTIOUS: Augmentations = ("rotation", "affine")

LABEL_STAYS: dict[str, Augmentations] = {
    "aircraft": EVERY_DAY,
    "dog": EVERY_DAY,
    "bird": ("flip_horizontal", "rotation", "affine", "blur", "perspective"),
    "chest X-ray": ("colour_jitter",),
    "leaf": ("flip_horizontal", "flip_vertical", "rotation", "affine", "perspective"),
    "skin lesion": ("flip_horizontal", "flip_vertical", "rotation", "affine"),
}
"""By noun: the augmentations after which a label is still true. A heart is on the left and the diaphragm below: a chest
X-ray that is flipped or turned shows another body. The colours of its parts tell a bird's species and those of a spot a
leaf's disease; a lesion's diagnosis rests on colour and on the sharpness of its border."""


def label_stays(noun: str) -> Augmentations:
    """Those for images of `noun`, in whatever case it is written; few where it is not known."""
    known = {name.casefold(): augmentations for name, augmentations in LABEL_STAYS.items()}
    return known.get(noun.strip().casefold(), CAUTIOUS)


class Domain(BaseModel):
    """`noun` is what one image shows ("bird", "chest X-ray"). `asks_for` picks the question pools: the `kind` of thing
    that it is, or the `condition` that it shows. `augmentations` are those after which the label is still true."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noun: str = Field("object", min_length=1, max_length=60)
    asks_for: AsksFor = "kind"
    augmentations: Augmentations = Field(default_factory=lambda fields: label_stays(fields.get("noun", "")))

    def renamed(self, noun: str) -> "Domain":
        """Called `noun`, with that noun's augmentations."""
        return self if noun == self.noun else Domain(noun=noun, asks_for=self.asks_for)
