"""Readable names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.names import key, named, readable, writable


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("n02085620-Chihuahua", "Chihuahua"),
        ("n02099429-curly-coated_retriever", "curly-coated retriever"),
        ("707-320", "707-320"),
        ("1.5_inch", "1.5 inch"),
        ("  blue__wren ", "blue wren"),
        ("Apple: Apple scab", "Apple: Apple scab"),
        ("café", "café"),
        ("___", "___"),
        ("007", "007"),
        ("12.Ж_а", "Ж а"),
    ],
)
def test_a_name_becomes_readable(raw: str, label: str) -> None:
    assert readable(raw) == label


@pytest.mark.parametrize(("one", "other"), [("Black-footed_Albatross", "black footed albatross"), ("A: b", "a___B")])
def test_spellings_of_one_name_have_the_same_key(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_names_of_punctuation_alone_keep_it() -> None:
    assert key("++") != key("--")


@settings(deadline=None)
@given(st.text(max_size=9))
def test_any_text_can_be_written(text: str) -> None:
    assert "\0" not in writable(text).encode().decode()
    assert writable(writable(text)) == writable(text)


def test_three_that_read_the_same_all_keep_their_raw_names() -> None:
    found = named(["a_b", "a b", "001.a_b", "c"])
    assert [c.label for c in found.classes] == ["001.a_b", "a b", "a_b", "c"]
    assert [f.code for f in found.findings] == ["labels_alike"]


def test_names_that_differ_in_case_only_are_told() -> None:
    found = named(["NORMAL", "Normal"])
    assert [c.label for c in found.classes] == ["NORMAL", "Normal"]
    assert "'NORMAL', 'Normal'" in found.findings[0].message


@settings(deadline=None)
@given(st.sets(st.text(st.sampled_from("aA_ .1"), max_size=7)))
def test_no_two_classes_share_a_label(raws: set[str]) -> None:
    found = named(raws)
    assert len({c.label for c in found.classes}) == len(raws)
    assert {c.raw for c in found.classes} == raws == set(found.label_of)
