import os
from pathlib import Path

import pytest

from services.trainer.step.gpus import free_memory


def tool(folder: Path, patch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "nvidia-smi").chmod(0o755)
    patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_every_gpu_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    tool(tmp_path, monkeypatch, "printf '0, 1024, 2048\\n1, 512, 2048\\n'")
    assert free_memory() == "1.0 of 2.0 GiB on GPU 0 and 0.5 of 2.0 GiB on GPU 1"


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'", "sleep 5", "true"])
def test_nothing_is_said_when_the_tool_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    tool(tmp_path, monkeypatch, script)
    assert free_memory() is None


def test_only_the_gpus_that_training_sees_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    tool(tmp_path, monkeypatch, '[ "$3" = "--id=1" ] && echo "1, 512, 2048"')
    assert free_memory() == "0.5 of 2.0 GiB on GPU 1"
