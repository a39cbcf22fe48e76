"""Which encoders a report names, from the manifests that selections left."""

from pathlib import Path
from typing import Any

import pytest

from services.api.report.contents import EncoderLine
from services.api.report.encoders import encoders_of
from services.api.report.pages import encoders_shown
from services.api.rounds import Position
from shared.artefacts import ArtefactWriter
from shared.objects import ObjectStore, open_store
from shared.types.encoders import EncoderFacts
from shared.types.lifecycle import StepName
from shared.types.records import Candidate
from tests.shared.tasks import a_task

CONCEPTS, ANSWERS = Position(1, StepName.SELECT_CONCEPTS), Position(2, StepName.SELECT_ANSWERS)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(f"file://{tmp_path}")


def facts(name: str) -> EncoderFacts:
    return EncoderFacts(name=name, prefix="", identity=f"sha256 of {name}")


def selection(store: ObjectStore, place: str, encoder: EncoderFacts | None) -> str:
    """The manifest of a selection with this encoder, or (None) by a release that did not tell."""
    extra: dict[str, Any] = {"encoder": encoder.model_dump()} if encoder else {}
    return ArtefactWriter(store, a_task(output_prefix=place), Candidate).finish(0, extra=extra).key


def test_shards_with_one_encoder_are_one_line_and_those_with_two_are_told_apart(store: ObjectStore) -> None:
    one, other = (tuple(selection(store, f"{k}{name}", facts(name)) for k, name in enumerate(n)) for n in ("aa", "ab"))
    found = encoders_of(store, {ANSWERS: other, CONCEPTS: one, Position(2, StepName.TRAIN): ("no manifest",)})
    assert [(line.round, line.step, line.name) for line in found] == [
        (1, "select_concepts", "a"),
        (2, "select_answers", "a"),
        (2, "select_answers", "b"),
    ]


def test_a_selection_by_a_release_that_did_not_tell_has_no_line(store: ObjectStore) -> None:
    assert encoders_of(store, {CONCEPTS: (selection(store, "old", None),)}) == []


def test_of_several_encoders_the_page_says_which_scored_what() -> None:
    lines = [EncoderLine(round=k, step=f"step_{k}", **facts(name).model_dump()) for k, name in enumerate("aab", 1)]
    assert encoders_shown(lines[:2]) == [(facts("a"), "")]
    assert encoders_shown(lines) == [(facts("a"), "round 1: step_1, round 2: step_2"), (facts("b"), "round 3: step_3")]
