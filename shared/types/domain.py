"""What a data set's images show, and what may be done to them. Pure."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Augmentation = Literal["flip_horizontal", "flip_vertical", "rotation", "colour_jitter", "affine", "blur", "perspective"]
AsksFor = Literal["kind", "condition"]

EVERY_DAY: tuple[Augmentation, ...] = ("flip_horizontal", "rotation", "colour_jitter", "affine", "blur", "perspective")


class Domain(BaseModel):
    """`noun` is what one image shows ("bird", "chest X-ray"). `asks_for` picks the question pools: the `kind` of thing
    that it is, or the `condition` that it shows. `augmentations` are those after which the label is still true."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noun: str = Field("object", min_length=1, max_length=60)
    asks_for: AsksFor = "kind"
    augmentations: tuple[Augmentation, ...] = EVERY_DAY
