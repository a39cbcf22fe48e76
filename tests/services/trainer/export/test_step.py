"""The step as a worker runs it: real store, real subprocess, a tiny real model."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.trainer.export.step import export
from services.trainer.wiring import TrainerSettings
from shared.artefacts import ManifestRef, read_manifest, read_rows
from shared.errors import InvalidInput, StepStopped, SystemFault
from shared.objects import ObjectStore, open_store
from shared.types.export import ExportedFile
from shared.worker.context import StepContext
from tests.services.trainer.export.scene import PREFIX, export_job, export_task, put_adapter, random_adapter
from tests.services.trainer.scene import trainer_settings


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    return random_adapter(tiny_model, tmp_path_factory.mktemp("adapter"))


def fetch(store: ObjectStore, ref: ManifestRef, folder: Path) -> list[str]:
    """The exported files, by name in `folder`."""
    rows = list(read_rows(store, [ref.key], ExportedFile))
    for row in rows:
        store.get_to_file(row.key, folder / row.name)
    return [row.name for row in rows]


class Merged:
    """One export, done once for the tests below."""

    def __init__(self, folder: Path, model: Path, adapter: Path) -> None:
        settings = trainer_settings(folder, model)
        self.store = open_store(settings.store_url)
        self.job = export_job(put_adapter(self.store, adapter), form="merged")
        self.ref = export(StepContext(export_task(self.job), self.store), settings)
        self.folder = folder / "merged"
        self.names = fetch(self.store, self.ref, self.folder)
        self.work = settings.work_dir


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, adapter: Path) -> Merged:
    return Merged(tmp_path_factory.mktemp("export"), tiny_model, adapter)


def said(model: Any, processor: Any) -> torch.Tensor:
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which bird?"}]}],
        add_generation_prompt=True,
    )
    torch.manual_seed(1)
    picture = torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8)
    inputs = processor(images=picture, text=text, return_tensors="pt")
    with torch.no_grad():
        logits: torch.Tensor = model(**inputs).logits
    return logits


def test_the_merged_model_says_what_base_and_adapter_say(merged: Merged, tiny_model: Path, adapter: Path) -> None:
    base: Any = AutoModelForImageTextToText.from_pretrained(tiny_model, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(merged.folder)
    alone = said(base, processor)
    both = said(PeftModel.from_pretrained(base, adapter).eval(), processor)
    found = said(AutoModelForImageTextToText.from_pretrained(merged.folder, dtype=torch.float32), processor)
    assert (found - both).abs().max() < 1e-4
    assert (found - alone).abs().max() > 0.1


def test_it_has_all_that_a_checkpoint_needs_and_names_that_vllm_knows(merged: Merged) -> None:
    beside = {"config.json", "generation_config.json", "processor_config.json", "tokenizer.json", "README.md"}
    assert beside | {"chat_template.jinja", "model.safetensors"} <= set(merged.names)
    tower = [name for name in load_file(merged.folder / "model.safetensors") if "vision_tower." in name]
    assert tower
    assert all("vision_tower.vision_model." in name for name in tower)


def test_the_comparison_stands_in_card_and_manifest_and_no_work_is_left(merged: Merged) -> None:
    figures = read_manifest(merged.store, merged.ref.key).figures
    assert figures["compared_largest"] < 1e-4 < figures["compared_base"]
    assert figures["compared_places"] == 4
    assert "## Merged weights" in (merged.folder / "README.md").read_text()
    assert not list(merged.work.iterdir())


def test_an_adapter_is_given_away_with_its_card_and_without_probes(
    settings: TrainerSettings, store: ObjectStore, adapter: Path, tmp_path: Path
) -> None:
    job = export_job(put_adapter(store, adapter))
    names = fetch(store, export(StepContext(export_task(job), store), settings), tmp_path)
    assert names == ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 4


def test_a_later_attempt_stores_no_file_twice(settings: TrainerSettings, store: ObjectStore, adapter: Path) -> None:
    job = export_job(put_adapter(store, adapter))
    export(StepContext(export_task(job), store), settings)
    before = store.list("jobs/exp")
    again = export(StepContext(export_task(job, attempt=2), store), settings)
    assert [key for key in store.list("jobs/exp") if key not in before] == [again.key]


def test_an_adapter_that_is_another_than_the_rows_say_is_not_given_away(
    settings: TrainerSettings, store: ObjectStore, adapter: Path
) -> None:
    put_adapter(store, adapter)
    with pytest.raises(SystemFault, match="round 1 of job differs from its hash"):
        export(StepContext(export_task(export_job("0" * 64)), store), settings)


def test_a_stopped_attempt_leaves_neither_process_nor_files(
    settings: TrainerSettings, store: ObjectStore, adapter: Path
) -> None:
    def stop() -> None:
        raise StepStopped("cancelled")

    job = export_job(put_adapter(store, adapter), form="merged")
    with pytest.raises(StepStopped):
        export(StepContext(export_task(job), store, check=stop), settings)
    assert not list(settings.work_dir.iterdir())
    assert not store.list("jobs/exp")


def test_an_unknown_base_is_the_users_to_mend(settings: TrainerSettings, store: ObjectStore, adapter: Path) -> None:
    job = export_job(put_adapter(store, adapter), form="merged").model_copy(update={"base_model": "other"})
    with pytest.raises(InvalidInput, match="'other' is not known to this trainer"):
        export(StepContext(export_task(job), store), settings)
    assert store.list(PREFIX)
