"""What a merged checkpoint's files hold: dtype, names, shards; and what cannot be merged."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from services.trainer.export.merge import write_merged
from services.trainer.export.plan import MergePlan
from shared.errors import InvalidInput
from tests.services.trainer.export.scene import random_adapter


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    return random_adapter(tiny_model, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The tiny model in bfloat16 and in several files."""
    folder = tmp_path_factory.mktemp("halved")
    model = AutoModelForImageTextToText.from_pretrained(tiny_model, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="2MB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


def merged(folder: Path, model: Path, adapter: Path, dtype: str = "base") -> MergePlan:
    plan = MergePlan.model_validate(
        {"folder": folder, "model_path": model, "adapter": adapter, "images": folder, "dtype": dtype}
    )
    write_merged(plan)
    return plan


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: weight for file in folder.glob("*.safetensors") for name, weight in load_file(file).items()}


def test_a_base_in_several_files_gives_a_model_in_several_files_of_its_dtype(
    tmp_path: Path, halved: Path, adapter: Path
) -> None:
    found = merged(tmp_path, halved, adapter).merged
    index = json.loads((found / "model.safetensors.index.json").read_text())["weight_map"]
    assert set(index.values()) == {file.name for file in found.glob("*.safetensors")}
    assert index.keys() == weights(found).keys()
    assert {weight.dtype for weight in weights(found).values()} == {torch.bfloat16}
    assert AutoModelForImageTextToText.from_pretrained(found, dtype="auto").dtype == torch.bfloat16


def test_files_that_no_loader_reads_are_left_out(tmp_path: Path, halved: Path, adapter: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(halved, base)
    save_file({"layers.0.weight": torch.zeros(2)}, base / "consolidated.safetensors")
    (base / "README.md").write_text("the base's own card")
    names = {file.name for file in merged(tmp_path, base, adapter).merged.iterdir()}
    assert not names & {"consolidated.safetensors", "README.md"}
    assert "config.json" in names


def test_float32_is_kept_where_it_is_asked_for_and_told_in_the_config(
    tmp_path: Path, halved: Path, adapter: Path
) -> None:
    found = merged(tmp_path, halved, adapter, "float32").merged
    assert {weight.dtype for weight in weights(found).values()} == {torch.float32}
    assert AutoModelForImageTextToText.from_pretrained(found, dtype="auto").dtype == torch.float32


def test_only_layers_with_lora_change(tmp_path: Path, tiny_model: Path, adapter: Path) -> None:
    found = AutoModelForImageTextToText.from_pretrained(merged(tmp_path, tiny_model, adapter).merged)
    base = AutoModelForImageTextToText.from_pretrained(tiny_model)
    pairs = zip(base.named_parameters(), found.parameters(), strict=True)
    changed = [name for (name, before), after in pairs if not torch.equal(before, after)]
    assert len(changed) == 4 * 7 + 2
    assert all("language_model.layers." in name or "multi_modal_projector.linear_" in name for name in changed)


def test_published_names_are_kept_as_they_are(tmp_path: Path, tiny_model: Path, adapter: Path) -> None:
    """Merging what was merged: its names have nothing to be mended."""
    once = merged(tmp_path, tiny_model, adapter).merged
    (tmp_path / "again").mkdir()
    twice = merged(tmp_path / "again", once, adapter).merged
    assert weights(once).keys() == weights(twice).keys()


def test_an_adapter_of_another_model_is_not_merged(tmp_path: Path, tiny_model: Path, adapter: Path) -> None:
    other = {
        key.replace("layers.0.", "layers.9."): value
        for key, value in load_file(adapter / "adapter_model.safetensors").items()
    }
    save_file(other, tmp_path / "adapter_model.safetensors")
    shutil.copy(adapter / "adapter_config.json", tmp_path)
    with pytest.raises(InvalidInput, match=r"7 layers of the adapter .*layers\.9\."):
        merged(tmp_path, tiny_model, tmp_path)


def test_a_quantised_base_is_not_merged(tmp_path: Path, tiny_model: Path, adapter: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    held = load_file(base / "model.safetensors")
    name = next(name for name in held if name.startswith("language_model.") and "q_proj" in name)
    save_file(held | {name: held[name].to(torch.int8)}, base / "model.safetensors")
    with pytest.raises(InvalidInput, match=r"q_proj.*int8"):
        merged(tmp_path, base, adapter)
