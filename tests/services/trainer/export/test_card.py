"""The model card: front matter as hubs read it, and every fact that somebody who gets the model must have."""

from typing import Any

import pytest

from services.trainer.export.card import card
from services.trainer.export.plan import Comparison
from shared.types.export import ExportJob
from tests.services.trainer.export.scene import export_job

COMPARED = Comparison(places=9, mean=0.011, largest=0.21, base=1.5, kept_in="bfloat16", device="cpu")


def front(text: str) -> dict[str, str]:
    head = text.split("---\n")[1]
    return dict(line.split(": ", 1) for line in head.splitlines())


@pytest.mark.parametrize(
    ("form", "library", "relation"), [("adapter", "peft", "adapter"), ("merged", "transformers", "finetune")]
)
def test_front_matter_names_base_library_tags_and_licence(form: str, library: str, relation: str) -> None:
    found = front(card(export_job(form=form), None))
    assert found["base_model"] == '"tiny"'
    assert (found["library_name"], found["base_model_relation"]) == (f'"{library}"', f'"{relation}"')
    assert found["license"] == '"unknown"'
    assert "synthesised" in found["tags"]


def test_a_licence_that_was_told_stands_there() -> None:
    assert front(card(export_job(license="apache-2.0"), None))["license"] == '"apache-2.0"'


@pytest.mark.parametrize(
    "fact",
    [
        "names the class of an image (bird, 2 classes)",
        "2 classes: Redfinch, Bluecap",
        "images: train 8, test 4",
        "0.750 (0.600 to 0.860)",
        "| 0 | 0.100 |",
        "| 1 (this one) |",
        "`job-r1` | `" + "0" * 64,
        '"lora_rank": 4',
        "Synthetic text",
        "PeftModel.from_pretrained",
        "vllm serve",
        "seed 7",
    ],
)
def test_data_figures_lineage_settings_and_use_are_told(fact: str) -> None:
    assert fact in card(export_job(), None)


def test_a_merged_model_tells_how_near_it_is_and_needs_no_peft() -> None:
    text = card(export_job(form="merged"), COMPARED)
    assert "0.011 nats apart in the mean, 0.21 at most" in text
    assert "peft" not in text.split("---\n", 2)[2]


def test_names_from_outside_cannot_break_the_card() -> None:
    nasty: dict[str, Any] = {"name": "x\n---\nlicense: mit\n| `b` |", "classes": ("a|b", "</script>", "c\nd")}
    job = export_job()
    job = job.model_copy(update={"dataset": job.dataset.model_copy(update=nasty)})
    text = card(job.model_copy(update={"base_model": 'b"\nlicense: mit'}), None)
    assert front(text)["license"] == '"unknown"'
    assert "\nlicense: mit" not in text
    assert "a b, /script, c d" in text


@pytest.mark.parametrize(
    ("start_from", "parent"), [("previous", "round 1 |"), ("base", "the base |"), ("merged", "round 1, merged into")]
)
def test_lineage_says_what_each_round_was_trained_from(start_from: str, parent: str) -> None:
    job = export_job(round=2)
    second = job.rounds[1].model_copy(update={"round": 2, "adapter": "job-r2"})
    more: dict[str, Any] = {
        "rounds": (*job.rounds, second),
        "settings": {"train": {"start_from": start_from}},
    }
    lineage = card(job.model_copy(update=more), None).split("## Lineage")[1]
    assert "| 1 | `job-r1`" in lineage
    line = next(line for line in lineage.splitlines() if line.startswith("| 2 |"))
    assert parent in line


def test_many_classes_are_counted_but_not_all_named() -> None:
    job: ExportJob = export_job()
    classes = tuple(f"class {number}" for number in range(1000))
    text = card(job.model_copy(update={"dataset": job.dataset.model_copy(update={"classes": classes})}), None)
    assert "1000 classes" in text
    assert "and 800 more" in text
