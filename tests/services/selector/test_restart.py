"""A worker that is started again with another encoder, amid a step."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.selector import answers, concepts
from services.selector.encoder import KnownEncoder
from shared.artefacts import ManifestRef, read_manifest, read_rows
from shared.errors import StepStopped
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, ScoredConcept
from shared.worker.context import StepContext
from tests.services.selector.worlds import TableEncoder, World, candidate, description, example

BANK = {"wren": ("brown", "short tail", "barred"), "kite": ("forked", "red", "long wings")}
OTHER = TableEncoder({"brown": [1.0, 0, 0, 0, 0, 0]})
Run = Callable[[StepContext, KnownEncoder], ManifestRef]
steps = pytest.mark.parametrize(
    ("step", "run", "record"),
    [
        (StepName.SELECT_CONCEPTS, concepts.run, ScoredConcept),
        (StepName.SELECT_ANSWERS, answers.run, Candidate),
    ],
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    examples = [example(f"id-{k}", ("wren", "kite")[k % 2]) for k in range(6)]
    made = World(tmp_path, examples, BANK, {"examples_per_part": 2})
    made.give(
        descriptions=[description(e.id, f"a brown bird {e.id}") for e in examples],
        concepts=[
            ScoredConcept(example_id=e.id, concept=BANK[e.label][0], score=-1, rank=0, chosen=True) for e in examples
        ],
        candidates=[candidate(f"A {e.label}, brown.", 0, e.id) for e in examples],
    )
    return made


def stop_after_a_part(world: World, step: StepName, run: Run) -> None:
    done: list[int] = []

    def check() -> None:
        if done:
            raise StepStopped("the worker is started anew")

    with pytest.raises(StepStopped):
        run(world.context(step, check=check, progress=lambda n, total, metrics: done.append(n)), TableEncoder())


@steps
def test_parts_of_two_encoders_are_never_in_one_ledger(
    world: World, step: StepName, run: Run, record: type[Candidate]
) -> None:
    stop_after_a_part(world, step, run)
    left = [key for key in world.store.list("jobs") if key.endswith(".parquet")]
    manifest = read_manifest(world.store, (ref := run(world.context(step, attempt=2), OTHER)).key)
    assert len(left) == 1
    assert not set(left) & {part.key for part in manifest.parts}
    alone = world.context(step, attempt=3)
    alone = StepContext(alone.task.model_copy(update={"output_prefix": "alone"}), world.store)
    assert world.rows(ref.key, record) == list(read_rows(world.store, [run(alone, OTHER).key], record))


@steps
def test_the_manifest_names_the_encoder(world: World, step: StepName, run: Run, record: type[Candidate]) -> None:
    for attempt, encoder in enumerate((TableEncoder(), OTHER), 1):
        manifest = read_manifest(world.store, run(world.context(step, attempt=attempt), encoder).key)
        assert manifest.extra["encoder"] == encoder.facts.model_dump()
