"""Ten real bird species through the whole loop with the tiny model: it runs to its end, with honest figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfsynth.client import Client
from selfsynth.stack.stack import Stack, StackOptions
from shared.types.records import Candidate, Prediction, ScoredConcept
from tests.integration.tiny_training import TRAIN

SETTINGS: dict[str, Any] = {
    "noun": "bird",
    "questions": "generic",
    "describe": {"instructions": 1, "samples": 2, "max_tokens": 64},
    "synthesise": {
        "questions": 2,
        "resamples": 1,
        "max_tokens": 80,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "evaluate": {"max_tokens": 64},
    "train": TRAIN
    | {
        "lora_rank": 8,
        "lora_alpha": 16,
        "learning_rate": 2e-3,
        "batch_size": 16,
    },
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[Stack]:
    options = StackOptions(import_roots=(test_data,), threads=2)
    with Stack(tmp_path_factory.mktemp("photographs"), options) as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url, stack.api_key) as opened:
        yield opened


@pytest.fixture(scope="module")
def dataset(client: Client, test_data: Path) -> dict[str, Any]:
    return client.wait_dataset(client.add_dataset(test_data / "cub-200", "cub")["id"])


@pytest.fixture(scope="module")
def job(client: Client, dataset: dict[str, Any]) -> dict[str, Any]:
    started = client.start_job(dataset=dataset["id"], model="tiny-birds", rounds=1, settings=SETTINGS)
    return client.wait(started["id"])


def test_the_data_set_is_read_with_its_split_and_a_validation_split_is_cut(dataset: dict[str, Any]) -> None:
    splits = dataset["splits"]
    assert len(dataset["classes"]) == 10
    assert splits["train"] + splits["validation"] == 263
    assert splits["validation"] > 0
    assert splits["test"] == 137


def test_the_job_succeeds_and_reports_both_rounds(job: dict[str, Any]) -> None:
    assert job["status"] == "succeeded", job["error"]
    assert [entry["round"] for entry in job["rounds"]] == [0, 1]


def test_the_figures_are_those_of_the_predictions(job: dict[str, Any], client: Client, dataset: dict[str, Any]) -> None:
    rows = [Prediction.model_validate(row) for row in client.download_artefact(job["id"], 1, "evaluate")]
    test = [row for row in rows if row.split == "test"]
    assert len(test) == dataset["splits"]["test"]
    assert job["rounds"][1]["accuracy"] == pytest.approx(sum(row.correct for row in test) / len(test))


def test_chosen_concepts_are_of_the_images_class_and_at_least_three(
    job: dict[str, Any], client: Client, dataset: dict[str, Any]
) -> None:
    rows = [ScoredConcept.model_validate(row) for row in client.download_artefact(job["id"], 1, "select_concepts")]
    chosen: dict[str, int] = {}
    for row in rows:
        chosen[row.example_id] = chosen.get(row.example_id, 0) + row.chosen
    assert len(chosen) == dataset["splits"]["train"]
    assert min(chosen.values()) >= 3


def test_the_ledger_holds_the_outcome_of_every_question(
    job: dict[str, Any], client: Client, dataset: dict[str, Any]
) -> None:
    rows = [Candidate.model_validate(row) for row in client.download_artefact(job["id"], 1, "synthesise")]
    kept = [(row.example_id, row.question_id) for row in rows if row.kept]
    assert len(kept) == len(set(kept)) == 2 * dataset["splits"]["train"]
    assert all(row.reason for row in rows)


def test_what_was_trained_is_given_away_as_a_model_of_its_own_with_its_card(
    job: dict[str, Any], client: Client, tmp_path: Path
) -> None:
    export = client.wait(client.export(job["id"], form="merged", dtype="float32")["id"])
    assert export["status"] == "succeeded", export["error"]
    names = {file.name for file in client.download_export(export["id"], tmp_path)}
    assert {"README.md", "config.json", "model.safetensors", "chat_template.jinja"} <= names
    card = (tmp_path / "README.md").read_text()
    assert all(fact in card for fact in (f"`{job['id']}-r1`", "10 classes", f"{job['rounds'][1]['accuracy']:.3f}"))


def test_too_few_answers_that_name_a_label_are_the_users_fault_with_the_counts(
    client: Client, dataset: dict[str, Any]
) -> None:
    """One token is never enough to name a class."""
    settings = SETTINGS | {
        "describe": {"instructions": 1, "samples": 1, "max_tokens": 16},
        "synthesise": {"questions": 1, "resamples": 0, "max_tokens": 1},
        "evaluate": {"max_tokens": 1},
    }
    started = client.start_job(dataset=dataset["id"], model="tiny-birds", rounds=1, settings=settings)
    ended = client.wait(started["id"])
    assert ended["status"] == "failed"
    assert (ended["error"]["code"], ended["error"]["fault"]) == ("too_few_pairs", "user")
    assert f"0 of {dataset['splits']['train']}" in ended["error"]["message"]
