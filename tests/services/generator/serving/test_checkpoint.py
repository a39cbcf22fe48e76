"""What the launcher says of a folder that vLLM would stumble over."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from services.generator.serving.checkpoint import check_files, check_weight_names, weight_names
from shared.errors import InvalidInput

TOWER = {"model.vision_tower": "vision_model"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "chat_template.jinja").write_text("")
    weights(tmp_path, "vision_tower.vision_model.embeddings.weight", "language_model.model.norm.weight")
    return tmp_path


def weights(folder: Path, *names: str, file: str = "model.safetensors") -> None:
    save_file({name: np.zeros(1, np.float32) for name in names}, folder / file, metadata={"format": "pt"})


def test_a_whole_checkpoint_passes(folder: Path) -> None:
    check_files(folder)
    check_weight_names(folder, TOWER)


@pytest.mark.parametrize(
    ("missing", "why"),
    [("config.json", "no model"), ("model.safetensors", "no weights"), ("chat_template.jinja", "no chat template")],
)
def test_a_missing_file_is_named(folder: Path, missing: str, why: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InvalidInput, match=why):
        check_files(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        check_files(tmp_path / "nowhere")


def test_a_template_in_the_tokenizers_config_will_do(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    check_files(folder)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_tower_named_as_transformers_saves_it_is_refused_with_what_to_rename(folder: Path, prefix: str) -> None:
    weights(folder, f"{prefix}vision_tower.embeddings.weight", file="model-00002.safetensors")
    with pytest.raises(InvalidInput, match=r"vision_tower\.embeddings\.weight") as refused:
        check_weight_names(folder, TOWER)
    assert f"wants '{prefix}vision_tower.vision_model.embeddings.weight'" in refused.value.message


@pytest.mark.parametrize("body", [b"", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{"])
def test_a_broken_weights_file_is_named(folder: Path, body: bytes) -> None:
    (folder / "model.safetensors").write_bytes(body)
    with pytest.raises(InvalidInput, match="no safetensors file"):
        weight_names(folder)
