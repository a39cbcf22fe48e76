"""One image at a time: what is stored of it, and what is said about it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from services.api.datasets.listing import Item
from services.api.datasets.validation.examine import ImageRules, examine
from services.api.datasets.validation.examined import Examined
from tests.services.api.datasets.validation.images import decoded, encoded, item, picture

RULES = ImageRules(long_side_px=256)


def look(folder: Path, name: str, body: bytes, **more: Any) -> tuple[Examined, bytes | None]:
    return examine(item(folder, name, body, **more), (folder,), RULES)


def stored(folder: Path, name: str, body: bytes, **more: Any) -> tuple[Examined, Image.Image]:
    row, kept = look(folder, name, body, **more)
    assert row.usable, row.details
    assert kept is not None
    image = decoded(kept)
    assert (image.mode, image.size) == ("RGB", (row.width, row.height))
    return row, image


def finding(folder: Path, name: str, body: bytes, **more: Any) -> str:
    """The one code that is found."""
    row, kept = look(folder, name, body, **more)
    assert row.usable == (kept is not None)
    (code,) = row.findings
    assert row.details[0].startswith(name)
    return code


def difference(image: Image.Image, other: Image.Image) -> float:
    """Mean over pixels and channels, of 255."""
    return float(np.abs(np.asarray(image).astype(int) - np.asarray(other.convert("RGB")).astype(int)).mean())


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_what_needs_no_change_is_stored_byte_for_byte(tmp_path: Path, kind: str, suffix: str) -> None:
    body = encoded(picture(), kind)
    row, kept = look(tmp_path, f"a.{suffix}", body)
    assert kept == body
    assert row.findings == ()
    assert row.stored_key_name == f"{row.sha256}.{suffix}"
    assert len(row.perceptual) == 64


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_lossless_formats_are_stored_as_png(tmp_path: Path, kind: str) -> None:
    source = picture().quantize(64) if kind == "GIF" else picture()
    row, image = stored(tmp_path, "a", encoded(source, kind))
    assert row.stored_key_name.endswith(".png")
    assert difference(image, source) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_image_is_stored_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    """Whoever undoes the stored turn must see the picture."""
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    turned = picture((96, 64))
    if orientation > 1:
        turned = turned.transpose(Image.Transpose(undone[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    row, image = stored(tmp_path, "a", encoded(turned, kind, exif=exif, **({"quality": 100} if kind != "PNG" else {})))
    assert (row.width, row.height) == (96, 64)
    assert difference(image, picture((96, 64))) < 4


def test_exif_that_cannot_be_read_does_no_harm(tmp_path: Path) -> None:
    body = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert look(tmp_path, "a.jpg", body)[1] == body


def test_a_large_image_is_capped_and_keeps_its_shape(tmp_path: Path) -> None:
    row, image = stored(tmp_path, "a.jpg", encoded(picture((2000, 1000)), "JPEG", quality=95))
    assert (row.width, row.height) == (256, 128)
    assert difference(image, picture((2000, 1000)).resize((256, 128), Image.Resampling.LANCZOS)) < 3


def test_storing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    body = encoded(picture((600, 400)), "JPEG")
    assert look(tmp_path, "a.jpg", body) == look(tmp_path, "a.jpg", body)


def test_rows_at_the_bottom_are_cut_off_before_the_cap(tmp_path: Path) -> None:
    banner = picture((512, 512))
    banner.paste("red", (0, 492, 512, 512))
    row, image = stored(tmp_path, "a.png", encoded(banner, "PNG"), crop_bottom_px=20)
    assert (row.width, row.height) == (256, 246)
    assert difference(image, banner.crop((0, 0, 512, 492)).resize((256, 246), Image.Resampling.LANCZOS)) < 1


def test_a_picture_that_is_all_banner_is_too_small(tmp_path: Path) -> None:
    assert finding(tmp_path, "a.png", encoded(picture((64, 40)), "PNG"), crop_bottom_px=30) == "image_small"


def test_a_grey_jpeg_becomes_rgb_and_is_told(tmp_path: Path) -> None:
    row, image = stored(tmp_path, "a.jpg", encoded(picture().convert("L"), "JPEG", quality=95))
    assert row.findings == ("image_grey",)
    assert difference(image, picture().convert("L")) < 2


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 48, dtype=np.uint16).reshape(48, 64)
    row, image = stored(tmp_path, "a.png", encoded(Image.fromarray(ramp), "PNG"))
    assert "image_deep" in row.findings
    assert np.array_equal(np.asarray(image)[..., 0], ramp >> 8)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    body = encoded(Image.fromarray(np.ones((48, 64), np.float32)), "TIFF")
    assert finding(tmp_path, "a.tif", body) == "image_format"


def test_what_shines_through_becomes_white(tmp_path: Path) -> None:
    layered = picture().convert("RGBA")
    layered.putalpha(Image.linear_gradient("L").resize(layered.size))
    row, image = stored(tmp_path, "a.png", encoded(layered, "PNG"))
    assert row.findings == ("image_transparent",)
    assert np.asarray(image)[0].min() > 250


def test_a_palette_with_a_transparent_colour_becomes_white_there(tmp_path: Path) -> None:
    palette = picture().quantize(8)
    hidden = palette.getpixel((0, 0))
    row, image = stored(tmp_path, "a.png", encoded(palette, "PNG", transparency=hidden))
    assert row.findings == ("image_transparent",)
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_an_alpha_channel_that_hides_nothing_is_not_worth_a_word(tmp_path: Path) -> None:
    row, image = stored(tmp_path, "a.png", encoded(picture().convert("RGBA"), "PNG"))
    assert row.findings == ()
    assert difference(image, picture()) == 0


def test_a_cmyk_jpeg_shows_the_same_colours_in_rgb(tmp_path: Path) -> None:
    row, image = stored(tmp_path, "a.jpg", encoded(picture().convert("CMYK"), "JPEG", quality=98))
    assert row.findings == ()
    assert difference(image, picture()) < 6


def test_colours_of_another_profile_become_srgb(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = look(tmp_path, "same.png", encoded(picture(), "PNG", icc_profile=srgb))[1]
    assert kept == (tmp_path / "same.png").read_bytes()
    # One whose red is blue and whose blue is red, and that is not called sRGB.
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "BGRs".encode("utf-16-be"))
    _, image = stored(tmp_path, "other.png", encoded(picture(), "PNG", icc_profile=swapped))
    red, green, blue = picture().split()
    assert difference(image, Image.merge("RGB", (blue, green, red))) < 2


def test_a_profile_that_is_none_is_ignored(tmp_path: Path) -> None:
    body = encoded(picture(), "PNG", icc_profile=b"no profile")
    _, image = stored(tmp_path, "a.png", body)
    assert difference(image, picture()) == 0


def test_a_photo_with_a_second_view_is_read_as_one(tmp_path: Path) -> None:
    body = encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=1)])
    row, image = stored(tmp_path, "a.jpg", body)
    assert row.findings == ()
    assert difference(image, picture()) < 8


@pytest.mark.parametrize(
    ("kind", "code"),
    [("GIF", "image_animated"), ("WEBP", "image_animated"), ("PNG", "image_animated"), ("TIFF", "image_pages")],
)
def test_of_several_frames_the_first_is_used(tmp_path: Path, kind: str, code: str) -> None:
    frames = [picture(seed=n) for n in range(3)]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    body = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    row, image = stored(tmp_path, f"a.{kind.lower()}", body)
    assert row.findings == (code,)
    assert getattr(decoded(look(tmp_path, "a", body)[1] or b""), "n_frames", 1) == 1
    assert difference(image, frames[0]) < {"GIF": 8, "WEBP": 3}.get(kind, 1)


def heic() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("name", "body", "code", "says"),
    [
        ("a.jpg", b"", "image_empty", "is empty"),
        ("a.jpg", b"\xff\xd8\xff\xe0 not much", "image_broken", "cannot be decoded"),
        ("a.jpg", b"  <!DOCTYPE html><html>404</html>", "image_broken", "web page"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1", "image_format", "git lfs pull"),
        ("a.jpg", heic(), "image_format", "HEIC"),
        ("a.jpg", b"%PDF-1.7", "image_format", "a PDF"),
        ("a.jpg", encoded(picture(), "PPM"), "image_format", "PPM"),
        ("a.png", encoded(picture((15, 64)), "PNG"), "image_small", "15x64"),
        ("a.png", encoded(picture((6000, 60)), "PNG"), "image_small", "256x3"),
        ("a.png", encoded(picture((200, 20)), "PNG"), "image_aspect", "200x20"),
        ("a.png", encoded(Image.new("RGB", (64, 64), "navy"), "PNG"), "image_blank", "one colour"),
        ("a.jpg", encoded(picture(), "PNG"), "image_extension", "PNG"),
        ("a.png", encoded(picture(), "JPEG"), "image_extension", "JPEG"),
    ],
)
def test_each_flaw_is_told(tmp_path: Path, name: str, body: bytes, code: str, says: str) -> None:
    row, _ = look(tmp_path, name, body)
    assert code in row.findings
    assert says in row.details[row.findings.index(code)]


def gigantic_png() -> bytes:
    """Claims 30000 x 30000 pixels, in a few bytes."""
    return encoded(Image.new("1", (30000, 30000)), "PNG")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    assert finding(tmp_path, "a.png", gigantic_png()) == "image_bomb"
    row, _ = examine(item(tmp_path, "b.png", encoded(picture(), "PNG")), (tmp_path,), ImageRules(max_pixels=1000))
    assert row.findings == ("image_bomb",)
    row, _ = examine(item(tmp_path, "b.png", encoded(picture(), "PNG")), (tmp_path,), ImageRules(max_bytes=100))
    assert row.findings == ("image_bomb",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_never_taken(tmp_path: Path, kind: str, share: float) -> None:
    body = encoded(picture((200, 150)), kind)
    row, kept = look(tmp_path, "a", body[: int(len(body) * share)])
    assert (row.usable, kept, row.findings) == (False, None, ("image_broken",))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "MPO"])
def test_damaged_bytes_never_raise(tmp_path: Path, kind: str) -> None:
    body, random = encoded(picture(), kind), np.random.default_rng(0)
    for _ in range(40):
        damaged = np.frombuffer(body, np.uint8).copy()
        damaged[random.integers(0, len(body), 8)] = random.integers(0, 256, 8)
        row, kept = look(tmp_path, "a", damaged.tobytes())
        assert row.usable == (kept is not None)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "image_missing"),
        (lambda path: path.mkdir(), "image_missing"),
        (lambda path: os.mkfifo(path), "image_missing"),
        (lambda path: path.symlink_to(path), "image_missing"),
        (lambda path: path.symlink_to("/etc/hostname"), "path_not_allowed"),
    ],
    ids=["nothing", "folder", "pipe", "circle", "outside"],
)
def test_what_is_no_file_of_the_data_set_is_told(tmp_path: Path, make: Callable[[Path], Any], code: str) -> None:
    listed = item(tmp_path, "a.png", b"")
    listed.path.unlink()
    make(listed.path)
    row, kept = examine(listed, (tmp_path,), RULES)
    assert (row.findings, kept) == ((code,), None)


def test_real_broken_files_are_told_and_real_photographs_are_kept(test_data: Path) -> None:
    found = {}
    for path in sorted((test_data / "broken").iterdir()):
        listed = Item(id=path.name, path=path, label="a", split="train", source=path.name)
        found[path.name] = examine(listed, (test_data,), ImageRules())[0].findings
    assert found["zero_byte_1.JPG"] == found["zero_byte_2.JPG"] == ("image_empty",)
    assert found["Brewer_Blackbird_0028_2682.jpg"] == ("image_grey",)
    assert found["ISIC_0024366.jpg"] == ()
