"""Sample sheets: which images they show, and that each is drawn."""

import io
import random

from PIL import Image

from services.api.datasets.sheet import CLASSES_A_PAGE, IMAGES_A_CLASS, Choice, ClassRow, pages, thumbnail
from services.api.datasets.validation.examined import Examined
from tests.services.api.datasets.validation.images import encoded, picture, row


def choice(rows: list[Examined], seed: int = 0) -> Choice:
    made = Choice(seed)
    for each in rows:
        made.add(each)
    return made


def drawn(page: bytes) -> Image.Image:
    return Image.open(io.BytesIO(page)).convert("RGB")


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    """All that cover more than a thousandth of it, roughly."""
    found = image.quantize(32).convert("RGB").getcolors() or []
    return {tuple(c // 32 for c in colour) for count, colour in found if count > image.width * image.height / 1000}  # type: ignore[union-attr]


def test_the_seed_and_not_the_order_chooses() -> None:
    rows = [row(f"x{n}") for n in range(100)]
    shown = choice(rows).shown("a", frozenset())
    random.Random(0).shuffle(rows)
    assert choice(rows).shown("a", frozenset()) == shown
    assert len(shown) == IMAGES_A_CLASS
    assert choice(rows, seed=1).shown("a", frozenset()) != shown


def test_train_images_come_first_and_what_cannot_be_used_is_not_shown() -> None:
    rows = [row("test", split="test"), row("train"), row("bad", usable=False), row("left out"), row("other", "b")]
    assert [r.id for r in choice(rows).shown("a", frozenset({"left out"}))] == ["train", "test"]
    assert choice(rows).shown("nothing", frozenset()) == []


def test_a_thumbnail_is_small_and_shows_the_whole_picture() -> None:
    small = drawn(thumbnail(encoded(picture((1000, 400)), "JPEG")))
    assert small.size == (120, 48)


def test_each_image_is_drawn_where_its_class_is() -> None:
    red, blue = (thumbnail(encoded(Image.new("RGB", (64, 64), name), "PNG")) for name in ("red", "blue"))
    (page,) = pages("birds", [ClassRow("wren", {"train": 3}, [red, red]), ClassRow("owl", {}, [blue])], 2)
    image = drawn(page)
    half = 64 + (image.height - 64) // 2
    assert (7, 0, 0) in colours(image.crop((0, 0, image.width, half)))
    assert (0, 0, 7) in colours(image.crop((0, half, image.width, image.height)))


def test_many_classes_make_several_pages() -> None:
    rows = (ClassRow(f"a class with quite a long name, number {n}", {"train": n}, []) for n in range(50))
    made = list(pages("many", rows, 50))
    assert len(made) == 3
    assert drawn(made[0]).height > drawn(made[2]).height
    assert CLASSES_A_PAGE == 20


def test_no_class_at_all_and_names_of_any_letters_are_drawn_too() -> None:
    assert len(list(pages("none", [], 0))) == 1
    odd = [ClassRow(name, {}, []) for name in ("", "\n", "x" * 500, "ü 漢字 🐦", "\x00")]
    assert len(list(pages("odd\n" * 99, odd, len(odd)))) == 1
