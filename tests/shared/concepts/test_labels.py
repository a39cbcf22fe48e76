"""A bank's labels find their classes; published banks do too."""

from pathlib import Path

import pytest

from services.api.concepts.drafts import by_label
from shared.concepts.labels import ConceptClass, match, plain, suggestions
from tests.services.api.concepts.banks import parsed_bank

CLASSES = [
    ConceptClass(label="Black footed Albatross", raw="001.Black_footed_Albatross"),
    ConceptClass(label="Brewer Blackbird", raw="009.Brewer_Blackbird"),
    ConceptClass(label="actinic keratoses", raw="akiec", aliases=("Bowen's disease",)),
    ConceptClass(label="Goldfinch", raw="047.American_Goldfinch", aliases=("finch",)),
    ConceptClass(label="House Finch", raw="house", aliases=("finch",)),
]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("black-footed albatross", "Black footed Albatross"),
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("Brewer's Blackbird", "Brewer Blackbird"),
        ("AKIEC", "actinic keratoses"),
        ("Bowen’s Disease", "actinic keratoses"),
        ("gold finch", "Goldfinch"),
    ],
)
def test_case_punctuation_raw_names_and_aliases_do_not_matter(name: str, label: str) -> None:
    assert {k for k, v in match({name: ["x"]}, CLASSES).concepts.items() if v} == {label}


def test_what_means_no_class_or_several_is_told() -> None:
    matched = match({"finch": ["a"], "ostrich": ["b"], "brewer blackbird": ["c"], "Brewer Blackbird": ["d"]}, CLASSES)
    assert (matched.unknown, matched.ambiguous) == (["ostrich"], ["finch"])
    assert matched.concepts["Brewer Blackbird"] == ["c", "d"]


def test_a_near_spelling_is_suggested() -> None:
    assert suggestions("brewer blackbrid", CLASSES) == ["Brewer Blackbird"]
    assert plain("  X-Ray__No.7 ") == "x ray no 7"


def test_a_number_is_a_label_too() -> None:
    classes = [ConceptClass(label="707-320"), ConceptClass(label="7073-20"), ConceptClass(label="10. kind")]
    matched = match({"707 320": ["a"], "kind": ["b"]}, classes)
    assert matched.concepts == {"707-320": ["a"], "7073-20": [], "10. kind": ["b"]}


@pytest.mark.parametrize("name", ["menon_descriptors_cub.json", "labo_CUB_class2concepts_trimmed.json"])
def test_published_bird_banks_are_matched_to_the_published_labels(test_data: Path, name: str) -> None:
    lines = (test_data / "metadata/CUB_200_2011/classes.txt").read_text().split("\n")
    raws = [line.split(" ", 1)[1] for line in lines if line]
    classes = [ConceptClass(label=raw.split(".", 1)[1].replace("_", " "), raw=raw) for raw in raws]
    bank = by_label(parsed_bank(test_data / "concepts" / name))
    matched = match(bank, classes)
    assert (matched.unknown, matched.ambiguous) == ([], [])
    assert sum(map(len, matched.concepts.values())) == sum(map(len, bank.values()))
