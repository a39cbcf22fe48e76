"""A data set's own concept bank."""

from pathlib import Path

import pytest

from services.api.datasets.banks import find, matched, read
from services.api.datasets.layouts import read_listing
from services.api.datasets.listing import ClassName
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write

CLASSES = (
    ClassName(label="actinic keratoses", raw="akiec", aliases=("AK",)),
    ClassName(label="Black footed Albatross", raw="001.Black_footed_Albatross"),
)


def test_classes_are_found_by_label_raw_name_or_alias_whatever_the_spelling() -> None:
    bank = {"AKIEC": ["flat"], "ak": ["red", "flat"], "black-footed albatross": ["a hooked bill"], "dodo": ["fat"]}
    assert matched(bank, CLASSES) == {
        "actinic keratoses": ("flat", "red"),
        "Black footed Albatross": ("a hooked bill",),
        "dodo": ("fat",),
    }


def test_a_label_counts_before_anothers_alias() -> None:
    classes = (ClassName(label="mel", raw="x"), ClassName(label="melanoma", raw="y", aliases=("mel",)))
    assert matched({"mel": ["dark"]}, classes) == {"mel": ("dark",)}


def test_both_forms_are_read_without_empty_or_repeated_concepts(tmp_path: Path) -> None:
    plain = '{" wren ": ["a short tail", " a short tail", ""]}'
    numbered = '{"1": {"name": "wren", "visual_features": ["a short tail"]}}'
    write(tmp_path, a__json=plain, b__json=numbered)
    assert read(tmp_path / "a.json") == read(tmp_path / "b.json") == {"wren": ("a short tail",)}


@pytest.mark.parametrize("text", ["{", "[]", '{"wren": "short"}', '{"wren": [1]}', '{"1": {"name": "wren"}}', "\udcff"])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "concepts.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidInput, match=r"concepts\.json"):
        read(tmp_path / "concepts.json")


def test_the_users_own_file_counts_before_the_references(tmp_path: Path) -> None:
    write(tmp_path, concepts__json="{}", birds_visual_features__json="{}")
    assert find([tmp_path]) == (tmp_path / "concepts.json", ())


def test_of_several_files_none_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, a_visual_features__json="{}", b_visual_features__json="{}")
    touch(tmp_path, "x/1.jpg", "y/2.jpg")
    listing = read_listing(tmp_path)
    assert (listing.concepts, [(f.code, f.severity) for f in listing.findings]) == (
        None,
        [("several_concept_banks", "warning")],
    )


@pytest.mark.parametrize(
    ("data_set", "bank"),
    [
        ("CUB_200_2011", "labo_CUB_class2concepts_trimmed.json"),
        ("CUB_200_2011", "menon_descriptors_cub.json"),
        ("fgvc-aircraft-2013b", "labo_aircraft_class2concepts_trimmed.json"),
        ("ham10000", "labo_HAM10000_class2concepts_trimmed.json"),
    ],
)
def test_published_descriptors_fit_the_published_classes(test_data: Path, data_set: str, bank: str) -> None:
    classes = read_listing(test_data / data_set).classes
    assert {c.label for c in classes} <= set(matched(read(test_data / "concepts" / bank), classes))
