"""Base weights are copied onto a volume once, whole, and only from where they were said to come."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.base_weights import MARK, fill, wait
from shared.errors import InvalidInput, SystemFault
from tests.eventually import eventually
from tests.handling import handles


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "nested").mkdir(parents=True)
    for name in ("config.json", "model-00001-of-00001.safetensors", "nested/more.json"):
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_and_a_store_are_copied_whole(scheme: str, source: Path, tmp_path: Path) -> None:
    fill(f"{scheme}{source}", tmp_path / "models" / "base")
    wait(tmp_path / "models" / "base", within_s=0)
    assert (tmp_path / "models" / "base" / "nested" / "more.json").read_text() == "nested/more.json"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["base"]


def test_weights_that_are_there_are_left_alone(source: Path, tmp_path: Path) -> None:
    fill(str(source), tmp_path / "base")
    (tmp_path / "base" / "config.json").write_text("as it is")
    fill(str(source), tmp_path / "base")
    assert (tmp_path / "base" / "config.json").read_text() == "as it is"


def test_an_interrupted_copy_is_gone_on_with(source: Path, tmp_path: Path) -> None:
    partial = tmp_path / ".base.partial"
    partial.mkdir()
    (partial / "config.json").write_text("half")
    fill(f"file://{source}", tmp_path / "base")
    assert (tmp_path / "base" / "config.json").read_text() == "config.json"
    assert not partial.exists()


def test_other_weights_never_take_a_model_s_place(source: Path, tmp_path: Path) -> None:
    fill(str(source), tmp_path / "base")
    with pytest.raises(InvalidInput, match="holds the weights of"):
        fill(f"file://{source}", tmp_path / "base")


def test_a_source_without_weights_is_refused_and_marks_nothing(source: Path, tmp_path: Path) -> None:
    (source / "config.json").unlink()
    with pytest.raises(InvalidInput, match=r"has no config\.json"):
        fill(str(source), tmp_path / "base")
    assert not list(tmp_path.rglob(MARK))
    with pytest.raises(InvalidInput, match="no weights at"):
        fill("nowhere", tmp_path / "base")


def test_a_checkpoint_that_is_uploaded_by_half_is_gone_on_with_when_it_is_whole(source: Path, tmp_path: Path) -> None:
    parts = [f"model-0000{k}-of-00002.safetensors" for k in (1, 2)]
    (source / parts[0]).write_text("a part")
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": parts[0], "b": parts[1]}}))
    with pytest.raises(InvalidInput, match=r"has no model-00002-of-00002\.safetensors"):
        fill(f"file://{source}", tmp_path / "base")
    assert not list(tmp_path.rglob(MARK))
    (source / parts[1]).write_text("the rest")
    fill(f"file://{source}", tmp_path / "base")
    assert (tmp_path / "base" / parts[1]).read_text() == "the rest"


def test_a_hub_s_weights_need_a_revision(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="names no revision"):
        fill("hub:organisation/name", tmp_path / "base")


def test_who_waits_in_vain_is_told_for_what(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="no weights came into"):
        wait(tmp_path / "base", within_s=0)


def test_who_waits_ends_on_sigterm_by_itself(tmp_path: Path) -> None:
    """As the first process of a container it would never end by the signal's own action. No success: nothing came."""
    environment = os.environ | {"SELFSYNTH_WEIGHTS_FOLDER": str(tmp_path / "base")}
    with subprocess.Popen([sys.executable, "-m", "shared.base_weights", "wait"], env=environment) as waiting:
        eventually(lambda: handles(waiting.pid, signal.SIGTERM))
        waiting.terminate()
        assert waiting.wait(60) == 128 + signal.SIGTERM
