"""Answers of every kind, read."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.concepts.answers import read
from shared.endpoints.wire import Answer

TWO = ("red wing", "long tail")


@pytest.mark.parametrize(
    "text",
    [
        '{"concepts": ["red wing", "long tail"]}',
        'Sure! Here you are:\n```json\n{"concepts": ["red wing", "long tail"]}\n```',
        '["red wing", "long tail"]',
        '{"features": ["red wing", "long tail"]}',
        '{"concepts": [{"concept": "red wing"}, {"concept": "long tail"}]}',
        '{"concepts": ["red wing", 7, null, " ", "long tail"]}',
        "red wing\nlong tail",
        'He said {so}: {"concepts": ["red wing", "long tail"]}',
    ],
)
def test_concepts_are_found_in_objects_lists_and_prose(text: str) -> None:
    assert read(Answer(text=text), 9) == (TWO, "ok", "")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(text=""), "empty"),
        (Answer(text='{"concepts": []}'), "empty"),
        (Answer(text="A bird is a wonderful animal."), "unreadable"),
        (Answer(text='{"name": "wren"}'), "unreadable"),
        (Answer(text="I'm sorry, but I can't help with that."), "refused"),
        (Answer(text="", refusal="No."), "refused"),
        (Answer(text="x", finish_reason="content_filter"), "refused"),
        (Answer(text='{"conc', finish_reason="length"), "cut_off"),
    ],
)
def test_what_was_wrong_is_told(answer: Answer, outcome: str) -> None:
    concepts, found, detail = read(answer, 9)
    assert (concepts, found) == ((), outcome)
    assert detail


def test_the_whole_concepts_of_half_an_answer_are_taken() -> None:
    half = Answer(text='{"concepts": ["red \\"wing\\"", "long tail", "a whi', finish_reason="length")
    assert read(half, 9)[:2] == (('red "wing"', "long tail"), "cut_off")
    half_a_list = Answer(text="- red wing\n- long tail\n- a whi", finish_reason="length")
    assert read(half_a_list, 9)[:2] == (("- red wing", "- long tail"), "cut_off")


def test_an_endless_answer_is_cut() -> None:
    many = Answer(text=json.dumps({"concepts": ["x" * 9000] * 5000}))
    concepts, outcome, _ = read(many, 8)
    assert ([len(concept) for concept in concepts], outcome) == ([500] * 8, "ok")


def test_what_no_database_stores_is_left_out() -> None:
    answer = Answer(text=r'{"concepts": ["red\u0000 wing", "\ud800", "long tail"]}')
    assert read(answer, 9)[0] == ("red wing", "long tail")
    assert read(Answer(text="", refusal="n\0o"), 9)[2] == "no"


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_answer_is_too_odd_to_be_read(text: str) -> None:
    concepts, outcome, detail = read(Answer(text=text), 4)
    assert bool(concepts) == (outcome == "ok") == (not detail)
