"""Inspecting folders, lists and archives with no service running."""

import shutil
import zipfile
from pathlib import Path

import pytest

from services.api.datasets.inspect import Inspection, Wishes, inspect
from services.api.datasets.validation.judge import Policy
from shared.errors import InvalidInput
from tests.services.api.pictures import LABELS, class_folders, reference_folder


def looked(path: Path, policy: Policy = "refuse") -> Inspection:
    return inspect(path, Wishes(policy=policy, processes=1))


def test_a_folder_is_read_split_and_judged(tmp_path: Path) -> None:
    found = looked(reference_folder(tmp_path))
    told = found.as_json()
    assert (told["layout"], told["classes"]) == ("reference_json", sorted(LABELS))
    assert told["splits"] == {"train": 8, "validation": 2, "test": 4}
    assert found.splits(LABELS[0]) == {"train": 4, "validation": 1, "test": 2}
    assert (told["errors"], told["warnings"], found.is_usable) == ([], [], True)
    assert "birds-train.json" in told["why"]


def test_faults_make_it_unusable_until_they_are_skipped(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=10)
    (folder / LABELS[0] / "0.png").write_bytes(b"")
    (folder / LABELS[0] / "1.png").unlink()
    (folder / "stray.png").write_bytes(b"")
    found = looked(folder)
    assert (found.is_usable, set(found.as_json()["counts"])) == (
        False,
        {"image_empty", "image_unlisted", "no_concept_bank"},
    )
    skipped = looked(folder, "skip")
    assert (skipped.is_usable, sum(skipped.splits().values()), skipped.images) == (True, 18, 19)


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_is_unpacked_looked_at_and_gone_again(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    folder = class_folders(tmp_path / "in" / "birds", per_class=5, splits=("train", "test"))
    archive = shutil.make_archive(str(tmp_path / "birds"), kind, folder.parent)
    assert looked(Path(archive)).splits() == {"train": 8, "validation": 2, "test": 10}
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_hostile_archive_is_refused_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../x", "x")
    with pytest.raises(InvalidInput, match="outside"):
        looked(tmp_path / "a.zip")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_progress_and_the_sheet_cover_all_images_and_classes(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    sheet: dict[int, bytes] = {}
    inspect(class_folders(tmp_path, per_class=3), Wishes(processes=1), lambda *now: told.append(now), sheet.__setitem__)
    assert told == [(n, 6) for n in range(1, 7)]
    assert list(sheet) == [1]
    assert sheet[1].startswith(b"\xff\xd8")


def test_a_path_without_a_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no layout"):
        looked(tmp_path)


@pytest.mark.parametrize(
    ("name", "layout", "images", "codes"),
    [
        ("CUB_200_2011", "cub200", 400, {"near_leak", "no_concept_bank"}),
        ("chest_xray", "chest_xray", 80, {"group_leak", "image_grey", "no_concept_bank"}),
    ],
)
def test_real_samples_show_what_is_known_of_them(
    test_data: Path, name: str, layout: str, images: int, codes: set[str]
) -> None:
    """Two albatross photographs are nearly the same; one patient is in both splits of the X-rays."""
    found = inspect(test_data / name, Wishes(processes=2))
    assert (found.listing.layout, found.images, found.is_usable) == (layout, images, True)
    assert set(found.verdict.report["counts"]) == codes
