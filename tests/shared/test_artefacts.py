import hashlib
from pathlib import Path

import pytest

from shared.artefacts import ArtefactWriter, decode_rows, encode_rows, pinned, read_manifest, read_rows
from shared.errors import SystemFault
from shared.objects import ObjectStore, open_store
from shared.types.records import Candidate, Description
from tests.shared.tasks import a_task


def description(example: str) -> Description:
    return Description(example_id=example, instruction=0, sample=0, text=f"about {example}", finish_reason="stop")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(f"file://{tmp_path}")


def test_rows_survive_parquet_with_missing_values_and_flags() -> None:
    row = Candidate(
        example_id="a",
        question_id=1,
        kind="explain",
        question="Why: isn't it?",
        sample=0,
        source="answer",
        text="é",
        finish_reason="length",
        score=None,
        kept=False,
        reason="cut_off",
    )
    scored = row.model_copy(update={"score": -1.5, "kept": True})
    assert decode_rows(Candidate, encode_rows(Candidate, [row, scored])) == [row, scored]
    assert decode_rows(Candidate, encode_rows(Candidate, [])) == []


def test_a_later_attempt_writes_only_the_parts_that_are_missing(store: ObjectStore) -> None:
    first = ArtefactWriter(store, a_task(attempt=1), Description)
    first.put(0, [description("a")])
    first.put(2, [description("c")])
    before = {key: store.get(key) for key in store.list("jobs")}

    second = ArtefactWriter(store, a_task(attempt=2), Description)
    assert second.done == {0, 2}
    second.put(0, [description("never written")])
    second.put(1, [description("b")])
    ref = second.finish(3)

    assert [row.example_id for row in read_rows(store, [ref.key], Description)] == ["a", "b", "c"]
    assert all(store.get(key) == body for key, body in before.items())
    assert hashlib.sha256(store.get(ref.key)).hexdigest() == ref.sha256


def test_parts_of_other_settings_are_not_mixed_in(store: ObjectStore) -> None:
    ArtefactWriter(store, a_task(attempt=1), Description).put(0, [description("a")])
    assert ArtefactWriter(store, a_task(attempt=2, params={"noun": "leaf"}), Description).done == frozenset()


def test_parts_that_depend_on_something_else_are_not_mixed_in(store: ObjectStore) -> None:
    task = a_task(attempt=1, params={"noun": "leaf"})
    ArtefactWriter(store, pinned(task, encoder="a"), Description).put(0, [description("a")])
    assert ArtefactWriter(store, pinned(task, encoder="a"), Description).done == {0}
    for other in (pinned(task, encoder="b"), pinned(task, reader="a"), task):
        assert ArtefactWriter(store, other, Description).done == frozenset()
    assert task.params == {"noun": "leaf"}


def test_a_torn_part_does_not_count(store: ObjectStore) -> None:
    ArtefactWriter(store, a_task(attempt=1), Description).put(0, [description("a")])
    (key,) = store.list("jobs")
    store.put(key, store.get(key)[:40])
    assert ArtefactWriter(store, a_task(attempt=2), Description).done == frozenset()


def test_a_manifest_is_not_written_while_a_part_is_missing(store: ObjectStore) -> None:
    writer = ArtefactWriter(store, a_task(), Description)
    writer.put(1, [description("b")])
    with pytest.raises(SystemFault, match=r"lacks parts \[0\]"):
        writer.finish(2)
    assert not [key for key in store.list("jobs") if "manifest" in key]


def test_a_part_that_was_changed_afterwards_is_refused(store: ObjectStore) -> None:
    writer = ArtefactWriter(store, a_task(), Description)
    writer.put(0, [description("a")])
    ref = writer.finish(1)
    store.put(read_manifest(store, ref.key).parts[0].key, encode_rows(Description, [description("x")]))
    with pytest.raises(SystemFault, match="differs from its manifest"):
        list(read_rows(store, [ref.key], Description))


def test_more_than_a_hundred_thousand_parts_are_found_again(store: ObjectStore) -> None:
    ArtefactWriter(store, a_task(attempt=1), Description).put(123_456, [description("a")])
    assert ArtefactWriter(store, a_task(attempt=2), Description).done == {123_456}


def test_of_a_part_that_two_attempts_wrote_the_earlier_whole_one_counts(store: ObjectStore) -> None:
    writers = [ArtefactWriter(store, a_task(attempt=number), Description) for number in (2, 10, 9)]
    for writer, name in zip(writers, ("torn", "tenth", "ninth"), strict=True):
        writer.put(0, [description(name)])
    [torn] = [key for key in store.list("jobs") if key.endswith("-a2.parquet")]
    store.put(torn, b"half")
    assert [row.example_id for row in ArtefactWriter(store, a_task(attempt=11), Description).read()] == ["ninth"]
