"""The launcher told to serve what cannot be served: it says why and what to do, at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from services.generator.serving.arguments import Device
from services.generator.serving.settings import ServingSettings
from services.generator.serving.wiring import build
from shared.errors import InvalidInput
from tests.models import tiny_llava
from tests.vllm_server import DEMO_BASE

CPU = Device("cpu", (32, 64))


def launched(**settings: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("SELFSYNTH_")}
    env |= {f"SELFSYNTH_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "services.generator.serving"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_a_folder_without_a_model_ends_it_with_what_to_set(tmp_path: Path) -> None:
    ended = launched(ENGINE_MODEL=str(tmp_path), ENGINE_NAME="base", STORE_URL=f"file://{tmp_path}")
    assert ended.returncode == 2
    assert f"there is no model in {tmp_path}" in ended.stderr
    assert "SELFSYNTH_ENGINE_MODEL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_and_wrong_settings_are_named() -> None:
    ended = launched(ENGINE_MODEL="/nowhere", ENGINE_DTYPE="float12")
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in ("engine_name", "store_url", "engine_dtype"))


def settings(model: Path, folder: Path) -> ServingSettings:
    return ServingSettings(engine_model=model, engine_name="base", store_url=f"file://{folder}/store")


def test_the_demos_base_is_served_as_it_is(tmp_path: Path) -> None:
    command, served = build(settings(DEMO_BASE, tmp_path), CPU)
    assert "--enable-lora" in command.arguments
    assert served.request_defaults == {}
    served.files.close()


def test_a_checkpoint_as_transformers_saves_it_is_refused_and_mended_as_said(tmp_path: Path) -> None:
    model = tiny_llava(tmp_path / "model")
    with pytest.raises(InvalidInput, match=r"weight 'vision_tower\..* wants 'vision_tower\.vision_model\."):
        build(settings(model, tmp_path), CPU)
    weights = model / "model.safetensors"
    renamed = {k.replace("vision_tower.", "vision_tower.vision_model."): v for k, v in load_file(weights).items()}
    save_file(renamed, weights, metadata={"format": "pt"})
    build(settings(model, tmp_path), CPU)[1].files.close()


def test_where_the_template_does_not_begin_the_text_the_tokenizer_does(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for file in DEMO_BASE.iterdir():
        (model / file.name).symlink_to(file)
    template = (model / "chat_template.jinja").read_text()
    (model / "chat_template.jinja").unlink()
    (model / "chat_template.jinja").write_text(template.replace("{{- bos_token }}", ""))
    _, served = build(settings(model, tmp_path), CPU)
    assert served.request_defaults == {"add_special_tokens": True}
    served.files.close()
