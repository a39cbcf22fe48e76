import hashlib
import io
from collections import Counter

import pytest
from PIL import Image

from services.generator.prompts import QuestionKind, question_pool, question_pools
from services.generator.steps import answer
from shared.types.lifecycle import StepName
from shared.types.records import Candidate
from tests.services.generator.fake_engine import Asked, FakeEngine
from tests.services.generator.steps.scene import BANK, Scene, run

SETTINGS = {"answer": {"questions": 2, "samples": 3, "max_tokens": 12, "rationalise": 2}}
POOLS = {text for pool in question_pools("bird", with_domain=True).values() for text in pool}


def is_told(asked: Asked) -> bool:
    return asked.text not in POOLS


def answer_rows(scene: Scene, fake: FakeEngine) -> list[Candidate]:
    return scene.rows(Candidate, run(answer.run, scene.context(StepName.ANSWER, SETTINGS), fake))


def test_the_teacher_is_told_nothing_but_the_question(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256)
    answer_rows(scene, fake)
    assert len(fake.asked) == 20
    assert not any(is_told(asked) for asked in fake.asked)


def test_every_candidate_is_an_undecided_row(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: f"{scene.label_of(asked.image_sha256)} {choice}"
    rows = answer_rows(scene, fake)
    assert Counter((row.example_id, row.question_id) for row in rows) == {
        (example.id, question): 3 for example in scene.of("train") for question in range(2)
    }
    assert {(row.source, row.kept, row.reason, row.score) for row in rows} == {("answer", False, "", None)}
    assert [row.text[-1] for row in rows] == [str(row.sample) for row in rows]


def test_one_fit_candidate_is_enough(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256) if choice == 2 else "no idea"
    rows = answer_rows(scene, fake)
    assert {row.source for row in rows} == {"answer"}


def test_without_a_fit_candidate_the_teacher_is_told_label_and_concepts(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256) if is_told(asked) else "no idea"
    rows = answer_rows(scene, fake)
    assert Counter(row.source for row in rows) == {"answer": 60, "rationalised": 20}
    for asked in filter(is_told, fake.asked):
        label = scene.label_of(asked.image_sha256)
        assert label in asked.text
        assert BANK.concepts[label][0] in asked.text
    rationalised = [row for row in rows if row.source == "rationalised"]
    assert {row.question for row in rationalised} <= POOLS
    assert {(row.sample, row.kept, row.reason) for row in rationalised} == {(3, False, "")}


def test_telling_ends_after_the_tries_allowed(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "no idea"
    rows = answer_rows(scene, fake)
    assert Counter(row.source for row in rows) == {"answer": 60, "rationalised": 40}
    assert len({(row.example_id, row.question_id, row.sample) for row in rows}) == 100


def test_an_answer_cut_off_is_no_fit_candidate(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: f"{scene.label_of(asked.image_sha256)} " + "word " * 30
    rows = answer_rows(scene, fake)
    assert {row.source for row in rows} == {"answer", "rationalised"}


def test_a_condition_is_asked_for_where_the_data_set_shows_one(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256)
    run(answer.run, scene.context(StepName.ANSWER, {**SETTINGS, "asks_for": "condition"}), fake)
    pools = {text for kind in QuestionKind for text in question_pool(kind, "bird", "condition")}
    assert {asked.text for asked in fake.asked} <= pools


def test_candidates_that_are_too_much_alike_are_asked_for_anew_and_hotter(scene: Scene, fake: FakeEngine) -> None:
    heat = {"answer": {**SETTINGS["answer"], "samples": 2, "distinct": 2, "distinct_tries": 3, "temperature": 0.5}}
    fake.says = lambda asked, _: f"{scene.label_of(asked.image_sha256)}{'!' if asked.temperature > 0.8 else ''}"
    rows = scene.rows(Candidate, run(answer.run, scene.context(StepName.ANSWER, heat), fake))
    assert {round(asked.temperature, 2) for asked in fake.asked} == {0.5, 0.7, 0.9}
    of_first = [row for row in rows if (row.example_id, row.question_id) == (rows[0].example_id, 0)]
    assert [row.sample for row in of_first] == [0, 1, 2, 3]
    assert len({row.text for row in of_first}) == 2


def test_more_candidates_are_asked_for_no_longer_than_allowed(scene: Scene, fake: FakeEngine) -> None:
    alike = {"answer": {**SETTINGS["answer"], "samples": 2, "distinct": 3, "distinct_tries": 2}}
    fake.says = lambda asked, _: scene.label_of(asked.image_sha256)
    rows = scene.rows(Candidate, run(answer.run, scene.context(StepName.ANSWER, alike), fake))
    assert set(Counter((row.example_id, row.question_id) for row in rows).values()) == {4}


def drawn(number: int) -> bytes:
    """A picture of two colours."""
    body, image = io.BytesIO(), Image.new("RGB", (8, 8), (10 * number, 0, 0))
    image.putpixel((0, 0), (255, 255, 255))
    image.save(body, "PNG")
    return body.getvalue()


def test_what_the_picture_adds_to_an_answer_is_told_where_it_is_wanted(scene: Scene, fake: FakeEngine) -> None:
    labels = {}
    for number, example in enumerate(scene.of("train")):
        scene.store.put(example.image_key, drawn(number))
        labels[hashlib.sha256(drawn(number)).hexdigest()] = example.label
    fake.says = lambda asked, choice: f"{labels.get(asked.image_sha256)} {choice}"
    fake.finds = lambda asked: -0.5 if asked.image_sha256 in labels else -2.5
    settings = SETTINGS | {"select_answers": {"contrast_weight": 1.0}}
    rows = scene.rows(Candidate, run(answer.run, scene.context(StepName.ANSWER, settings), fake))
    assert [row.contrast for row in rows] == [pytest.approx(2.0 / len(row.text.split())) for row in rows]


def test_the_picture_is_not_hidden_where_nobody_wants_to_know(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256)
    assert {row.contrast for row in answer_rows(scene, fake)} == {None}
    assert all(asked.said is None for asked in fake.asked)
