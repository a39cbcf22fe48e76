from collections import Counter

from services.generator.prompts import describe_instructions
from services.generator.steps import describe
from shared.types.lifecycle import StepName
from shared.types.records import Description
from tests.services.generator.fake_engine import Asked, FakeEngine
from tests.services.generator.steps.scene import BANK, Scene, run

SETTINGS = {"describe": {"instructions": 2, "samples": 3, "max_tokens": 20}}


def test_every_training_image_is_described_by_every_instruction_as_often_as_asked(
    scene: Scene, fake: FakeEngine
) -> None:
    key = run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), fake)
    rows = scene.rows(Description, key)
    assert Counter((row.example_id, row.instruction) for row in rows) == {
        (example.id, instruction): 3 for example in scene.of("train") for instruction in range(2)
    }
    assert scene.figures(key) == {"descriptions": 60, "failed": 0}


def test_every_description_is_of_its_own_image(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: asked.image_sha256
    key = run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), fake)
    sha256 = {example.id: example.sha256 for example in scene.examples}
    assert all(row.text == sha256[row.example_id] for row in scene.rows(Description, key))


def test_instructions_are_the_domains_and_tell_no_label(scene: Scene, fake: FakeEngine) -> None:
    run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), fake)
    assert {asked.text for asked in fake.asked} == set(describe_instructions("bird")[:2])
    assert not any(label in asked.text for asked in fake.asked for label in BANK.concepts)


def test_every_request_has_a_seed_of_its_own(scene: Scene, fake: FakeEngine) -> None:
    run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), fake)
    assert len({asked.seed for asked in fake.asked}) == len(fake.asked) == 20


def test_the_same_job_seed_gives_the_same_rows_and_another_gives_others(scene: Scene, fake: FakeEngine) -> None:
    texts = [
        [row.text for row in scene.rows(Description, run(describe.run, context, fake))]
        for context in (
            scene.context(StepName.DESCRIBE, SETTINGS, seed=1),
            scene.context(StepName.DESCRIBE, {**SETTINGS, "examples_per_part": 3}, seed=1),
            scene.context(StepName.DESCRIBE, SETTINGS, seed=2),
        )
    ]
    assert texts[0] == texts[1] != texts[2]


def test_shards_share_the_examples(scene: Scene, fake: FakeEngine) -> None:
    shards = [scene.context(StepName.DESCRIBE, SETTINGS, shard=k, shards=3) for k in range(3)]
    rows = [row for shard in shards for row in scene.rows(Description, run(describe.run, shard, fake))]
    assert list(dict.fromkeys(row.example_id for row in rows)) == [example.id for example in scene.of("train")]


def test_a_description_cut_off_says_so(scene: Scene, fake: FakeEngine) -> None:
    fake.says = _long_for_second_instruction
    key = run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), fake)
    assert {(row.instruction, row.finish_reason) for row in scene.rows(Description, key)} == {
        (0, "stop"),
        (1, "length"),
    }


def _long_for_second_instruction(asked: Asked, choice: int) -> str:
    return "word " * (50 if asked.text == describe_instructions("bird")[1] else 5)
