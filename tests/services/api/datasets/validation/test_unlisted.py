"""Images that lie beside the listed ones."""

from pathlib import Path

from services.api.datasets.listing import Finding, Item, Listing
from services.api.datasets.validation.unlisted import of_unlisted


def listing(*paths: Path, **more: tuple[Finding, ...]) -> Listing:
    return Listing("any", tuple(Item(p.name, p, "a", None, p.name) for p in paths), (), **more)


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def test_images_on_no_list_are_told_by_folder(tmp_path: Path) -> None:
    listed = files(tmp_path, "a/1.jpg", "b/1.jpg")
    files(tmp_path, "a/2.JPG", "c/3.png", "c/4.png", "c/notes.txt", ".hidden/5.png", "c/.6.png")
    found = of_unlisted(listing(*listed), tmp_path)
    assert [f.message for f in found] == ["1 on no list in a: 2.JPG", "2 on no list in c: 3.png, 4.png"]
    assert {(f.code, f.severity) for f in found} == {("image_unlisted", "warning")}


def test_nothing_is_told_when_all_are_listed_or_missing(tmp_path: Path) -> None:
    listed = files(tmp_path, "a/1.jpg")
    assert of_unlisted(listing(*listed, tmp_path / "gone" / "x.jpg"), tmp_path) == ()
    assert of_unlisted(listing(), tmp_path) == ()


def test_images_beside_the_list_are_looked_through_and_what_lies_around_is_not(tmp_path: Path) -> None:
    listed = files(tmp_path, "pictures/1.jpg", "lists/train.json")[:1]
    files(tmp_path, "pictures/2.jpg", "other/3.jpg")
    assert len(of_unlisted(listing(*listed), tmp_path / "lists")) == 1
    far = [*listed, *files(tmp_path, "other/4.jpg")]
    assert of_unlisted(listing(*far), tmp_path / "lists") == ()


def test_what_the_reader_has_told_is_not_told_again(tmp_path: Path) -> None:
    listed = files(tmp_path, "train/1.jpg", "test/1.jpg")
    files(tmp_path, "strays/2.jpg", "train/no_label.jpg")
    told = tuple(Finding(code="folder_ignored", message="", file=name) for name in ("strays", "train/no_label.jpg"))
    assert of_unlisted(listing(*listed, findings=told), tmp_path) == ()
