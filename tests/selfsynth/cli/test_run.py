"""What `selfsynth run` says when it cannot follow its job to the end."""

import io
import signal
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from selfsynth.api_errors import no_answer
from selfsynth.cli.interrupts import Interrupted
from selfsynth.cli.run import resumable


@pytest.mark.parametrize("reason", [Interrupted(signal.SIGINT), no_answer(httpx.URL("http://api"), OSError("refused"))])
def test_who_leaves_a_job_or_loses_its_stack_is_told_how_to_go_on(reason: BaseException, tmp_path: Path) -> None:
    told = io.StringIO()
    with pytest.raises(type(reason)), resumable(Console(file=told), "job_1", tmp_path, ["--model", "mine"]):
        raise reason
    for command in ("selfsynth up --model mine", "selfsynth jobs wait job_1"):
        assert command in told.getvalue()
