"""A job on each of five published data sets as they are shipped, on real photographs, from detection to figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfsynth.client import Client
from selfsynth.stack.stack import Stack, StackOptions
from shared.types.records import Prediction
from tests.integration.tiny_training import TRAIN

_OURS = Path(__file__).parent / "banks"
# Sample, the layout that must be found in it, its classes, what a question calls an image, and a concept bank: beside
# the data, among the published ones, or ours.
SAMPLES = {
    "CUB_200_2011": ("cub200", 10, "bird", "concepts/menon_descriptors_cub.json"),
    "stanford_dogs": ("stanford_dogs", 8, "dog", None),
    "ham10000": ("ham10000", 7, "skin lesion", "concepts/labo_HAM10000_class2concepts_trimmed.json"),
    "chest_xray": ("chest_xray", 2, "chest X-ray", _OURS / "chest_xrays.json"),
    "pld": ("pld", 8, "leaf", _OURS / "leaves.json"),
}
SETTINGS: dict[str, Any] = {
    "questions": "generic",  # those that the shipped model has learnt
    "describe": {"instructions": 1, "samples": 1, "max_tokens": 32},
    "synthesise": {
        "questions": 1,
        "resamples": 0,
        "max_tokens": 40,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "evaluate": {"max_tokens": 40},
    "train": TRAIN
    | {
        "lora_rank": 4,
        "lora_alpha": 8,
        "learning_rate": 1e-3,
        "batch_size": 32,
    },
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[Client]:
    options = StackOptions(import_roots=(test_data,), threads=2)
    with Stack(tmp_path_factory.mktemp("samples"), options) as stack, Client(stack.url, stack.api_key) as opened:
        yield opened


@pytest.fixture(scope="module")
def datasets(client: Client, test_data: Path) -> dict[str, Any]:
    """All five, added at once."""
    added = {name: client.add_dataset(test_data / name, name)["id"] for name in SAMPLES}
    found = {name: client.wait_dataset(dataset_id) for name, dataset_id in added.items()}
    for name, (_, _, _, bank) in SAMPLES.items():
        if bank is not None:
            client.set_concepts(found[name]["id"], json.loads((test_data / bank).read_text()))
    return found


@pytest.fixture(scope="module")
def jobs(client: Client, datasets: dict[str, Any]) -> dict[str, Any]:
    """All five, posted at once: their steps share the workers."""
    posted = {
        name: client.start_job(dataset=dataset["id"], model="tiny-birds", rounds=1, settings=SETTINGS)["id"]
        for name, dataset in datasets.items()
    }
    return {name: client.wait(job_id) for name, job_id in posted.items()}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_layout_is_found_and_every_class_has_images_in_three_splits(name: str, datasets: dict[str, Any]) -> None:
    layout, classes, noun, _ = SAMPLES[name]
    dataset = datasets[name]
    assert (dataset["layout"], len(dataset["classes"]), dataset["domain"]["noun"]) == (layout, classes, noun)
    assert min(dataset["splits"][split] for split in ("train", "validation", "test")) >= classes


@pytest.mark.parametrize("name", SAMPLES)
def test_its_job_ends_well_and_its_figures_are_those_of_its_predictions(
    name: str, client: Client, datasets: dict[str, Any], jobs: dict[str, Any]
) -> None:
    job = jobs[name]
    assert job["status"] == "succeeded", job["error"]
    assert job["settings"]["noun"] == SAMPLES[name][2]
    rows = [Prediction.model_validate(row) for row in client.download_artefact(job["id"], 1, "evaluate")]
    test = [row for row in rows if row.split == "test"]
    assert len(test) == datasets[name]["splits"]["test"]
    assert job["rounds"][1]["accuracy"] == pytest.approx(sum(row.correct for row in test) / len(test))


@pytest.mark.parametrize("name", SAMPLES)
def test_its_questions_are_about_what_it_shows(name: str, client: Client, jobs: dict[str, Any]) -> None:
    asked = {row["question"] for row in client.download_artefact(jobs[name]["id"], 1, "synthesise")}
    assert asked
    assert all(SAMPLES[name][2] in question for question in asked)
