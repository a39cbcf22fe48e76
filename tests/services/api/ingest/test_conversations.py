"""General instruction data: what is read, what is stored, and what is said about rows that are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.artefacts import Manifest, read_rows
from shared.errors import InvalidInput
from shared.objects import ObjectStore
from shared.types.records import Instruction
from tests.services.api.ingest.running import ingest_task, run
from tests.services.api.pictures import conversation, instruction_folder, picture


def ingested(store: ObjectStore, path: Path, **options: Any) -> tuple[Manifest, list[Instruction]]:
    manifest = run(store, ingest_task(path, kind="instructions", **options))
    return manifest, list(read_rows(store, ["datasets/ds/manifest-a1.json"], Instruction))


def counts(manifest: Manifest) -> tuple[dict[str, int], int]:
    return manifest.extra["report"]["counts"], manifest.extra["report"]["errors_total"]


@pytest.mark.parametrize("lines", [False, True], ids=["json", "jsonl"])
def test_conversations_leave_rows_and_each_image_once(store: ObjectStore, tmp_path: Path, lines: bool) -> None:
    manifest, rows = ingested(store, instruction_folder(tmp_path / "mixed", lines=lines))
    assert [(row.id, row.question, row.answer) for row in rows] == [
        (str(number), f"What is {number}?", f"It is {number}.") for number in range(6)
    ]
    keys = [row.image_key for row in rows]
    assert keys[4:] == [None, None]
    assert keys[0] == keys[2] != keys[1] == keys[3]
    assert all(store.size_bytes(key) for key in keys if key)
    assert (manifest.extra["layout"], manifest.extra["splits"]) == ("instructions", {"train": 6})
    assert counts(manifest) == ({}, 0)


def test_the_file_is_found_in_the_only_folder_of_an_archive(store: ObjectStore, tmp_path: Path) -> None:
    instruction_folder(tmp_path / "unpacked" / "mixed")
    assert len(ingested(store, tmp_path / "unpacked")[1]) == 6


def test_of_several_turns_the_first_is_taken(store: ObjectStore, tmp_path: Path) -> None:
    said = conversation(1)
    said["conversations"] += [{"from": "human", "value": "And why?"}, {"from": "gpt", "value": "So."}]
    (tmp_path / "said.json").write_text(json.dumps([said]))
    _, rows = ingested(store, tmp_path / "said.json")
    assert [(row.question, row.answer) for row in rows] == [("What is 1?", "It is 1.")]


BAD: list[Any] = [
    7,
    {"id": "a"},
    {"id": "a", "conversations": []},
    {"id": "a", "conversations": [{"from": "gpt", "value": "I begin."}, {"from": "human", "value": "Do you?"}]},
    {"id": "a", "conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "It."}]},
    conversation(1) | {"image": 5},
    conversation(1) | {"image": "no\0file.png"},
    conversation(1) | {"image": "no/such/file.png"},
    conversation(1) | {"image": "/etc/passwd"},
]


@pytest.mark.parametrize(("policy", "errors"), [("refuse", len(BAD)), ("skip", 0)])
def test_what_cannot_be_used_is_told_and_left_out(store: ObjectStore, tmp_path: Path, policy: str, errors: int) -> None:
    (tmp_path / "bad.json").write_text(json.dumps([*BAD, conversation(1) | {"id": "\ud800"}]))
    manifest, rows = ingested(store, tmp_path / "bad.json", policy=policy)
    found = {"conversation_unreadable": 7, "path_not_allowed": 1, "image_missing": 1}
    assert counts(manifest) == (found, errors)
    assert [row.id for row in rows] == ["?"]


@pytest.mark.parametrize("text", ["", "[]", "{", '[{"id": 1', "\n\n"])
def test_a_file_without_conversations_is_refused(store: ObjectStore, tmp_path: Path, text: str) -> None:
    (tmp_path / "none.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"none\.json"):
        ingested(store, tmp_path / "none.json")


def test_a_folder_of_images_is_no_instruction_data(store: ObjectStore, tmp_path: Path) -> None:
    picture(tmp_path / "birds" / "a.png", 1)
    with pytest.raises(InvalidInput, match=r"one file of \.json or \.jsonl, and there are: none"):
        ingested(store, tmp_path / "birds")
