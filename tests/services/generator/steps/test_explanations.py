"""What an evaluation tells of explanations, asked of the fake engine and a fake judge."""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.generator.covering import Cover
from services.generator.judging.verdicts import Judges
from services.generator.steps import evaluate
from shared.artefacts import read_manifest
from shared.endpoints.addresses import ConceptEndpoint, EndpointNotAllowed
from shared.scoring.explaining import explanation_figures
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, Prediction
from shared.worker.context import StepContext
from tests.services.generator.fake_engine import MODEL, Asked, FakeEngine
from tests.services.generator.steps.pictures import picture
from tests.services.generator.steps.scene import BANK, Scene, build_scene, engine_at
from tests.shared.endpoints.fake_endpoint import MODEL as JUDGE
from tests.shared.endpoints.fake_endpoint import Failure, FakeEndpoint

GOOD = json.dumps({"explains": True, "cognition": 0.8, "reason": "Two features."})


def context(scene: Scene, **wanted: Any) -> StepContext:
    return scene.context(StepName.EVALUATE, {"evaluate": {"max_tokens": 40, **wanted}}, base_model=MODEL)


def explains(scene: Scene, asked: Asked) -> str:
    if not asked.image_sha256:
        return "A Mellow Finch." if "crimson wing" in asked.text else "Hard to say."
    label = scene.label_of(asked.image_sha256)
    return f"This is a {label}, for it has {BANK.concepts[label][0]}."


def evaluated(context: StepContext, fake: FakeEngine, judges: Judges | None = None) -> str:
    return evaluate.run(context, engine_at(fake), judges).key


def test_what_is_cited_and_taught_is_counted_without_a_further_question(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: explains(scene, asked)
    told = context(scene)
    row = Candidate(
        example_id=scene.of("train")[0].id, question_id=0, kind="explain", question="?", sample=0, source="answer",
        text="It has a crimson wing and a spotted breast.", finish_reason="stop", score=None, kept=True, reason="best",
    )  # fmt: skip
    scene.leave("pairs", Candidate, [row, row.model_copy(update={"kept": False, "text": "a stubby beak"})])
    told = replace(told, task=told.task.model_copy(update={"inputs": told.task.inputs | {"pairs": ("pairs",)}}))
    found = explanation_figures(scene.figures(evaluated(told, fake)))
    assert found["citing_share"] == found["own_class_share"] == found["distance_between_classes"] == 1
    assert (found["distance_within_class"], found["taught_chosen_share"]) == (0, 0.5)
    assert len(fake.asked) == len(scene.of("validation", "test"))


def test_the_explanation_alone_is_put_without_image_and_without_any_class_s_name(
    scene: Scene, fake: FakeEngine
) -> None:
    fake.says = lambda asked, choice: explains(scene, asked)
    key = evaluated(context(scene, consistency=True), fake)
    alone = [asked for asked in fake.asked if not asked.image_sha256]
    assert len(alone) == len(scene.of("test"))
    assert not any(label in asked.text for asked in alone for label in BANK.concepts)
    assert alone[0].text.startswith("This is this bird, for it has a")
    rows = [row for row in scene.rows(Prediction, key) if row.split == "test"]
    assert {(row.predicted, row.alone) for row in rows} == {("Mellow Finch", "Mellow Finch"), ("Sand Warbler", "none")}
    assert scene.figures(key)["alone_requests"] == 3


def test_fluency_is_what_the_base_thinks_of_the_answer_s_own_words(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "A fine bird."
    rows = scene.rows(Prediction, evaluated(context(scene, fluency=True, explanation_images=2), fake))
    # The fake finds all words but the last -0.5 likely, and that one -1.
    assert [(row.answer_nats, row.answer_tokens) for row in rows if row.answer_tokens] == [(2.0, 3)] * 2


def test_hiding_compares_the_cited_region_with_the_others(tmp_path: Path, fake: FakeEngine) -> None:
    """Without its second cell neither concept nor class is found; without the third the class is less likely, too."""
    scene = build_scene(tmp_path, train=4, image_of=picture)
    labels, lacks = {example.sha256: example.label for example in scene.examples}, dict[str, int]()
    for example in scene.of("test"):
        cover = Cover(scene.store.get(example.image_key))
        for number, box in enumerate(cover.cells(2)):
            lacks[sha256(cover.without(box)).hexdigest()] = number
    fake.says = lambda asked, choice: f"A {labels.get(asked.image_sha256, '')} with a crimson wing."
    falls = {"concept": {1: 5.0}, "class": {1: 3.0, 2: 1.5}}

    def finds(asked: Asked) -> float:
        what = "concept" if str(asked.said).endswith("wing") else "class"
        return -1.0 - falls[what].get(lacks.get(asked.image_sha256, -1), 0.0)

    fake.finds = finds
    key = evaluated(context(scene, faithfulness={"images": 1, "grid": 2}), fake)
    assert [row.hiding for row in scene.rows(Prediction, key) if row.hiding is not None] == [(3.0, 0.5)]
    counts = scene.figures(key)
    assert counts["hiding_requests"] == sum(asked.said is not None for asked in fake.asked) == 12
    assert explanation_figures(counts)["faithfulness"] == 2.5


@pytest.fixture
def judge() -> Iterator[FakeEndpoint]:
    with FakeEndpoint(lambda asked: GOOD, key="sk-judge") as endpoint:
        yield endpoint


@pytest.fixture
def judges(judge: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> Judges:
    monkeypatch.setenv("JUDGE_KEY", "sk-judge")
    return Judges({"judge": ConceptEndpoint(base_url=judge.base_url, key_env="JUDGE_KEY")})


BRISK = {"model": JUDGE, "secret": "judge", "requests_per_minute": 60_000, "patience_s": 0.3}


def test_the_judge_reads_question_and_answer_and_its_verdicts_are_counted(
    scene: Scene, fake: FakeEngine, judge: FakeEndpoint, judges: Judges
) -> None:
    key = evaluated(context(scene, judge={**BRISK, "examples": 2}), fake, judges)
    figures, manifest = explanation_figures(scene.figures(key)), read_manifest(scene.store, key)
    assert (figures["existence"], figures["cognition"], figures["judged"]) == (1.0, 0.8, 2.0)
    assert figures["judge_prompt_tokens"] == 20
    assert len(manifest.extra["verdicts"]) == len(judge.asked) == 2
    asked = judge.asked[0].body
    assert asked["response_format"]["json_schema"]["name"] == "verdict"
    rows = [row for row in scene.rows(Prediction, key) if row.example_id in manifest.extra["verdicts"]]
    assert {any(row.answer in each.body["messages"][1]["content"] for each in judge.asked) for row in rows} == {True}
    stored = b"".join(scene.store.get(name) for name in scene.store.list("judged") + scene.store.list("jobs"))
    assert b"sk-judge" not in stored


def test_nothing_is_asked_twice_of_the_judge(
    scene: Scene, fake: FakeEngine, judge: FakeEndpoint, judges: Judges
) -> None:
    fake.says = lambda asked, choice: "Always the same."
    first = scene.figures(evaluated(context(scene, judge=BRISK), fake, judges))
    again = scene.figures(evaluated(context(scene, judge=BRISK), fake, judges))
    assert len(judge.asked) == 1
    assert (first["judged"], first["judge_from_cache"], again["judge_from_cache"]) == (3, 0, 1)
    assert again["judge_prompt_tokens"] == first["judge_prompt_tokens"]


@pytest.mark.parametrize("said", ["No JSON at all.", '{"explains": true, "cognition": 7}', "[" * 5000])
def test_verdicts_that_cannot_be_read_are_asked_for_anew_and_then_counted(
    scene: Scene, fake: FakeEngine, judge: FakeEndpoint, judges: Judges, said: str
) -> None:
    judge.says = lambda asked: said
    told: list[str] = []
    wanted = replace(context(scene, judge=BRISK), tell=told.append)
    counts = scene.figures(evaluated(wanted, fake, judges))
    assert (counts["judged"], counts["judge_unanswered"], len(judge.asked)) == (0, 3, 6)
    assert "left 3 of 3 answers" in told[0]


def test_a_judge_that_is_away_costs_the_verdicts_and_nothing_else(
    scene: Scene, fake: FakeEngine, judge: FakeEndpoint, judges: Judges
) -> None:
    judge.failures = [Failure(401, body=json.dumps({"error": {"message": "sk-judge is wrong"}}))]
    told: list[str] = []
    wanted = replace(context(scene, judge={**BRISK, "in_flight": 1}), tell=told.append)
    counts = scene.figures(evaluated(wanted, fake, judges))
    assert (counts["judge_unanswered"], counts["test_total"], len(judge.asked)) == (3, 3, 1)
    assert "HTTP 401" in told[0]
    assert "sk-judge" not in told[0]


def test_a_judge_that_the_operator_does_not_know_is_not_asked(scene: Scene, fake: FakeEngine) -> None:
    with pytest.raises(EndpointNotAllowed, match="may not be asked"):
        evaluated(context(scene, judge={"model": "m", "base_url": "http://10.0.0.1/v1"}), fake, Judges())
