"""Which engine the stack starts."""

import sys
from pathlib import Path

import pytest

from selfsynth.stack import StackOptions
from selfsynth.stack.preflight import require_vllm
from selfsynth.stack.processes import Program
from selfsynth.stack.programs import VLLM_PYTHON, service_programs
from selfsynth.stack.record import Keys, StackRecord
from shared.errors import InvalidInput


def program(name: str, options: StackOptions, folder: Path) -> Program:
    ports = dict.fromkeys(("api", "engine", "postgres", "valkey"), 1)
    record = StackRecord(
        pid=1,
        url="u",
        engine_url="e",
        database_url="d",
        redis_url="r",
        store_url="s",
        model="m",
        ports=ports,
        keys=Keys(),
    )
    return service_programs(folder, record, options)[name]


def engine_program(options: StackOptions, folder: Path) -> Program:
    return program("engine", options, folder)


def test_the_stack_starts_our_own_engine_unless_vllm_is_asked_for(tmp_path: Path) -> None:
    assert engine_program(StackOptions(), tmp_path).argv == (sys.executable, "-m", "services.generator.engine")
    vllm = engine_program(StackOptions(engine="vllm"), tmp_path)
    assert vllm.argv == (str(VLLM_PYTHON), "-m", "services.generator.serving")


@pytest.mark.parametrize("sleep", [True, False])
def test_vllm_is_told_whether_it_shall_be_able_to_sleep(tmp_path: Path, sleep: bool) -> None:
    program = engine_program(StackOptions(engine="vllm", engine_sleep=sleep), tmp_path)
    assert (program.env or {})["SELFSYNTH_ENGINE_SLEEP"] == str(sleep)


def test_vllm_that_is_not_installed_is_said_with_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_vllm(tmp_path / "python")
    assert "tools/install_vllm.sh" in refused.value.remedy
