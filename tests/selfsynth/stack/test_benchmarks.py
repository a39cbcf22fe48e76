"""What the stack tells its services of benchmarks."""

import json
from pathlib import Path

import pytest

from selfsynth.stack import StackOptions
from selfsynth.stack.preflight import require_lmms_eval
from shared.errors import InvalidInput
from tests.selfsynth.stack.test_engine_choice import program


def test_the_api_knows_the_tasks_and_the_worker_where_they_are(tmp_path: Path) -> None:
    options = StackOptions(benchmark_tasks=("quiz", "puzzle"), benchmark_folders=(tmp_path,))
    api, generator = (program(name, options, tmp_path).env or {} for name in ("api", "generator"))
    assert json.loads(api["SELFSYNTH_BENCHMARK_TASKS"]) == ["quiz", "puzzle"]
    assert json.loads(generator["SELFSYNTH_BENCHMARK_FOLDERS"]) == [str(tmp_path)]
    assert generator["SELFSYNTH_BENCHMARK_PYTHON"].endswith(".venv-lmms-eval/bin/python")
    assert generator["SELFSYNTH_BENCHMARK_HUB"] == "False"


def test_what_is_missing_for_them_is_said_before_anything_starts(tmp_path: Path) -> None:
    python = tmp_path / "python"
    with pytest.raises(InvalidInput) as refused:
        require_lmms_eval(python, ())
    assert "tools/install_lmms_eval.sh" in refused.value.remedy
    python.touch()
    with pytest.raises(InvalidInput, match="nowhere"):
        require_lmms_eval(python, (tmp_path, tmp_path / "nowhere"))
