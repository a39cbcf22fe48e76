from pathlib import Path

from services.api.report.suspects import MOST, suspects_of
from shared.artefacts import ArtefactWriter, encode_rows
from shared.objects import ObjectStore, open_store
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, SuspectLabel
from shared.types.tasks import StepTask


def doubted(number: int, share: float) -> SuspectLabel:
    return SuspectLabel(example_id=f"i{number:03}", label="wren", instead="kite", share=share, own_share=0.0, answers=9)


def selection(store: ObjectStore, shard: int, found: list[SuspectLabel] | None) -> str:
    """The manifest of a selection that found these, or (None) did not look."""
    task = StepTask(
        step_id=f"j-2-select_answers-{shard}", job_id="j", round=2, step=StepName.SELECT_ANSWERS, attempt=1,
        output_prefix=f"jobs/j/{shard}", base_model="m", teacher="m", seed=0,
    )  # fmt: skip
    extra = {}
    if found is not None:
        extra["suspect_labels"] = f"jobs/j/{shard}/suspects.parquet"
        store.put(extra["suspect_labels"], encode_rows(SuspectLabel, found))
    return ArtefactWriter(store, task, Candidate).finish(0, extra=extra).key


def test_suspects_of_all_shards_come_together_the_most_suspect_first(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    keys = [selection(store, 0, [doubted(1, 0.6)]), selection(store, 1, [doubted(2, 0.9)]), selection(store, 2, None)]
    assert [one.example_id for one in suspects_of(store, keys)] == ["i002", "i001"]


def test_no_more_are_told_than_a_person_looks_at(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    key = selection(store, 0, [doubted(k, 0.5 + k / 1000) for k in range(MOST + 20)])
    found = suspects_of(store, [key])
    assert len(found) == MOST
    assert found[0].example_id == f"i{MOST + 19:03}"
