"""The whole data set: copies, leaks, classes, and what the policy makes of them."""

from pathlib import Path
from typing import Any

import pytest

from services.api.datasets.listing import ClassName, Finding, Item, Listing
from services.api.datasets.validation.codes import OF_IMAGES
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.judge import Policy, Verdict, judge
from tests.services.api.datasets.validation.images import row

SPLITS = ("train", "validation", "test")


def good(labels: str = "ab", train: int = 6) -> list[Examined]:
    """A data set without a fault, but for its concept bank."""
    counts = {"train": train, "validation": 1, "test": 2}
    return [
        row(f"{label}{split}{n}", label, split) for label in labels for split in SPLITS for n in range(counts[split])
    ]


def judged(
    rows: list[Examined], policy: Policy = "refuse", published: bool = True, labels: str = "ab", **listed: Any
) -> Verdict:
    """`published`: every split is as the publisher gave it; else the publisher gave none."""
    items = tuple(Item(r.id, Path(r.source), r.label, r.split if published else None, r.source, r.group) for r in rows)
    classes = tuple(ClassName(label=label, raw=label) for label in labels)
    return judge(Listing("any", items, classes, **({"concepts": {"a": ("x",), "b": ("y",)}} | listed)), rows, policy)


def codes(verdict: Verdict) -> tuple[list[str], list[str]]:
    report = verdict.report
    return [f["code"] for f in report["errors"]], [f["code"] for f in report["warnings"]]


def bad(name: str, code: str = "image_broken", **more: Any) -> Examined:
    return row(name, usable=False, findings=(code,), details=(f"{name} is bad",), sha256="", perceptual="", **more)


def test_nothing_is_wrong_with_a_good_data_set() -> None:
    verdict = judged(good())
    assert codes(verdict) == ([], [])
    assert verdict.report["counts"] == {}
    assert (len(verdict.left_out), verdict.counts["a", "train"]) == (0, 6)


@pytest.mark.parametrize("code", [name for name, code in OF_IMAGES.items() if code.severity == "error"])
def test_images_that_cannot_be_used_refuse_the_data_set_or_are_skipped(code: str) -> None:
    rows = [*good(), bad("x", code)]
    assert codes(judged(rows)) == ([code], [])
    skipped = judged(rows, "skip")
    assert codes(skipped) == ([], [code])
    assert skipped.left_out == {"x"}


def test_the_lists_are_cut_and_the_totals_are_not() -> None:
    report = judged([*good(), *(bad(f"x{n}") for n in range(1000))]).report
    assert len(report["errors"]) == 25
    assert (report["errors_total"], report["warnings_total"], report["counts"]) == (1000, 0, {"image_broken": 1000})
    assert "Replace" in report["remedies"]["image_broken"]


def test_a_warning_that_most_images_have_is_one_line() -> None:
    rows = [r.model_copy(update={"findings": ("image_grey",), "details": ("it is grey",)}) for r in good()]
    report = judged([*rows, row("colour")]).report
    assert [finding["message"] for finding in report["warnings"]] == ["18 of 19 images"]
    assert report["counts"] == {"image_grey": 18}


def test_the_same_bytes_twice_in_one_class_are_a_warning() -> None:
    verdict = judged([*good(), row("x", sha256="7" * 64), row("y", sha256="7" * 64)])
    assert codes(verdict) == ([], ["copies"])
    assert "x, y" in verdict.report["warnings"][0]["message"]


def test_the_same_bytes_under_two_labels_are_an_error_and_all_of_them_are_skipped() -> None:
    rows = [*good(), row("x", "a", sha256="7" * 64), row("y", "b", sha256="7" * 64)]
    assert codes(judged(rows)) == (["copies_disagree"], [])
    assert judged(rows, "skip").left_out == {"x", "y"}
    assert "'a' and 'b'" in judged(rows).report["errors"][0]["message"]


def test_the_same_bytes_on_both_sides_of_the_publishers_split_are_a_warning() -> None:
    verdict = judged([*good(), row("x", sha256="7" * 64), row("y", split="test", sha256="7" * 64)], "skip")
    assert codes(verdict) == ([], ["leak"])
    assert verdict.left_out == frozenset()


@pytest.mark.parametrize(("sides", "left_out"), [("train test", {"x"}), ("train validation", {"x"})])
def test_on_both_sides_of_a_split_of_ours_they_are_an_error(sides: str, left_out: set[str]) -> None:
    one, other = sides.split()
    rows = [*good(), row("x", split=one, sha256="7" * 64), row("y", split=other, sha256="7" * 64)]
    assert codes(judged(rows, published=False)) == (["leak"], [])
    assert judged(rows, "skip", published=False).left_out == left_out


def test_validation_that_we_cut_out_of_the_publishers_train_split_is_ours() -> None:
    rows = [*good(), row("x", sha256="7" * 64), row("y", split="validation", sha256="7" * 64)]
    items = tuple(Item(r.id, Path(r.source), r.label, "train" if r.id == "y" else r.split, r.source) for r in rows)  # type: ignore[arg-type]
    classes = (ClassName(label="a", raw="a"), ClassName(label="b", raw="b"))
    assert codes(judge(Listing("any", items, classes, {"a": ("x",), "b": ("y",)}), rows, "refuse"))[0] == ["leak"]


def test_a_patient_on_both_sides_is_told_by_name() -> None:
    rows = [*good(), row("x", group="patient 7"), row("y", "b", "test", group="patient 7"), row("z", group="patient 8")]
    assert codes(judged(rows)) == ([], ["group_leak"])
    assert "patient 7 is in train and test: x, y" in judged(rows).report["warnings"][0]["message"]
    assert codes(judged(rows, published=False))[0] == ["group_leak"]


HASH = "0f" * 32
NEAR = "0f" * 31 + "f0"


@pytest.mark.parametrize(
    ("other", "code"),
    [({}, "near_copies"), ({"split": "test"}, "near_leak"), ({"label": "b"}, "near_copies_disagree")],
)
def test_nearly_the_same_pictures_are_warnings(other: dict[str, str], code: str) -> None:
    verdict = judged([*good(), row("x", perceptual=HASH), row("y", **other, perceptual=NEAR)], "skip", published=False)
    assert codes(verdict) == ([], [code])
    assert verdict.left_out == frozenset()


def test_the_same_bytes_are_not_told_again_as_nearly_the_same() -> None:
    same = {"sha256": "7" * 64, "perceptual": HASH}
    assert codes(judged([*good(), row("x", **same), row("y", **same)]))[1] == ["copies"]


def test_pictures_with_too_little_in_them_are_not_compared() -> None:
    assert codes(judged([*good(), row("x", perceptual=""), row("y", perceptual="")])) == ([], [])


@pytest.mark.parametrize(
    ("rows", "labels", "error"),
    [
        (good("a"), "a", "too_few_classes"),
        ([], "", "too_few_classes"),
        (good(), "abc", "class_without_images"),
        ([*good(), row("c", "c", "test")], "abc", "class_without_train"),
        ([*good(), bad("c", label="c")], "abc", "class_without_train"),
    ],
)
def test_classes_that_cannot_be_learnt_are_errors_whatever_the_policy(
    rows: list[Examined], labels: str, error: str
) -> None:
    assert error in codes(judged(rows, "skip", labels=labels))[0]


def test_a_class_folder_that_the_reader_found_empty_is_told_once() -> None:
    empty = Finding(code="empty_class", message="the class folder c holds no image", file="train/c")
    assert codes(judged(good(), labels="abc", findings=(empty,)))[0] == ["empty_class"]


def test_small_and_uneven_classes_are_warnings() -> None:
    verdict = judged([*good("a", train=60), *good("b", train=2)])
    assert codes(verdict) == ([], ["class_small", "imbalance"])
    assert "'a' has 61 images to learn from, 'b' 3" in verdict.report["warnings"][1]["message"]


def test_what_cannot_be_tested_is_a_warning() -> None:
    assert codes(judged([r for r in good() if r.split != "test"]))[1] == ["no_test"]
    assert codes(judged([r for r in good() if (r.label, r.split) != ("b", "test")]))[1] == ["class_without_test"]


def test_gaps_in_the_concept_bank_are_warnings() -> None:
    assert codes(judged(good(), concepts=None))[1] == ["no_concept_bank"]
    found = judged(good(), concepts={"a": ("x",), "c": ("y",)}).report["warnings"]
    assert [f["code"] for f in found] == ["labels_without_concepts", "concepts_without_images"]


def test_a_readers_own_finding_keeps_its_severity() -> None:
    findings = (Finding(code="odd", message="odd"), Finding(code="odd_too", message="odd", severity="warning"))
    assert codes(judged(good(), findings=findings)) == (["odd"], ["odd_too"])
