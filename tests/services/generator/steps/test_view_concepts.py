"""The own model looks at a few train images of each class, and what it names is counted later."""

from collections import Counter

import pytest

from services.generator.steps import view_concepts
from shared.concepts.labels import ConceptClass
from shared.errors import StepStopped
from shared.types.concept_job import ConceptClasses
from shared.types.lifecycle import StepName
from shared.types.records import Proposal
from shared.worker.context import StepContext
from tests.services.generator.fake_engine import MODEL, FakeEngine
from tests.services.generator.steps.scene import BANK, Scene, engine_at, run


def looking(scene: Scene, attempt: int = 1, **view: object) -> StepContext:
    classes = tuple(ConceptClass(label=label) for label in BANK.concepts)
    body = ConceptClasses(classes=classes, asked=tuple(BANK.concepts)).model_dump_json()
    scene.store.put("classes.json", body.encode())
    context = scene.context(StepName.VIEW_CONCEPTS, {}, attempt=attempt)
    params = {"source": "own", "model": MODEL, "view": {"images": 3, "images_per_part": 2, **view}}
    inputs = {"examples": ("examples",), "classes": ("classes.json",)}
    task = context.task.model_copy(update={"params": params, "inputs": inputs})
    return StepContext(task=task, store=scene.store)


def test_a_few_train_images_of_each_class_are_looked_at(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "- red wing\n- long tail" if choice else ""
    key = run(view_concepts.run, looking(scene), fake)
    rows = scene.rows(Proposal, key)
    assert Counter(row.label for row in rows) == dict.fromkeys(BANK.concepts, 6)
    train = {example.id for example in scene.of("train")}
    assert {row.example_id for row in rows} <= train
    assert {row.concepts for row in rows} == {("- red wing", "- long tail"), ()}
    assert {row.outcome for row in rows} == {"ok", "empty"}
    assert scene.figures(key) == {"classes": 2, "images": 6, "answers": 12, "failed": 0}


@pytest.mark.parametrize("tells", [True, False])
def test_the_label_is_told_if_the_settings_say_so(scene: Scene, fake: FakeEngine, tells: bool) -> None:
    run(view_concepts.run, looking(scene, tell_label=tells), fake)
    told = [scene.label_of(asked.image_sha256) in asked.text for asked in fake.asked]
    assert told == [tells] * 6


def test_every_attempt_looks_at_the_same_images_and_only_at_those_that_are_missing(
    scene: Scene, fake: FakeEngine
) -> None:
    first = view_concepts.looked_at(looking(scene), 3)

    def stop() -> None:
        if scene.parts(StepName.VIEW_CONCEPTS):
            raise StepStopped("killed")

    context = looking(scene)
    with pytest.raises(StepStopped):
        view_concepts.run(StepContext(context.task, scene.store, check=stop), engine_at(fake, in_flight=1))
    before = len(fake.asked)
    left = len(scene.parts(StepName.VIEW_CONCEPTS))
    rows = scene.rows(Proposal, run(view_concepts.run, looking(scene, attempt=2), fake))
    assert len(fake.asked) - before == 6 - 2 * left
    assert {row.example_id for row in rows} == {example.id for example in first}


def test_the_end_of_an_answer_that_was_cut_off_is_no_concept(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "- red wing\n- long yellow tail"
    rows = scene.rows(Proposal, run(view_concepts.run, looking(scene, max_tokens=4), fake))
    assert {(row.concepts, row.outcome) for row in rows} == {(("- red wing",), "cut_off")}


def test_a_class_with_fewer_images_is_looked_at_as_far_as_it_goes(scene: Scene, fake: FakeEngine) -> None:
    run(view_concepts.run, looking(scene, images=50), fake)
    assert len(fake.asked) == len(scene.of("train"))


@pytest.mark.parametrize("keeps", [True, False])
def test_a_json_list_is_asked_for_where_the_engine_can_and_prose_elsewhere(
    scene: Scene, fake: FakeEngine, keeps: bool
) -> None:
    fake.keeps_to_schemas = keeps
    fake.says = lambda asked, choice: '["red wing","a long tail"]' if asked.has_schema else "- red wing\n- a long tail"
    rows = scene.rows(Proposal, run(view_concepts.run, looking(scene, structured=True), fake))
    read = ("red wing", "a long tail") if keeps else ("- red wing", "- a long tail")
    assert {(row.concepts, row.outcome) for row in rows} == {(read, "ok")}
    assert {asked.has_schema for asked in fake.asked} == {keeps}


def test_a_json_list_that_was_cut_off_keeps_what_is_whole(scene: Scene, fake: FakeEngine) -> None:
    fake.keeps_to_schemas = True
    fake.says = lambda asked, choice: '["red wing","a long tail","more'
    rows = scene.rows(Proposal, run(view_concepts.run, looking(scene, structured=True, max_tokens=3), fake))
    assert {(row.concepts, row.outcome) for row in rows} == {(("red wing",), "cut_off")}
