"""A subprocess of heavy work, training above all, as its parent sees it: started, followed, stopped, explained."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from services.trainer.notes import EVENTS, Event, Result
from services.trainer.plan import OUT_OF_MEMORY_REMEDY, Plan
from shared.errors import DeviceOutOfMemory, ErrorReport, SelfSynthError, SystemFault, UserFault
from shared.worker.child_process import ChildProcess, how_it_ended

_TAIL_LINES = 15
_RANK_FAILED = re.compile(r"(\[rank\d+\]: )Traceback")
TRAINING = "services.trainer.sft"
_OUT_OF_MEMORY = ("torch.OutOfMemoryError", "CUDA out of memory")


class Child(ChildProcess):
    """Starts `python -m MODULE PLAN PARENT`, which dies with this process in any case."""

    def __init__(self, module: str, plan_file: Path, stderr: Path, threads: int) -> None:
        command = (sys.executable, "-m", module, str(plan_file), str(os.getpid()))
        super().__init__(command, _environment(threads), stderr)

    def outcome(self, result: Path, error: Path, what: str = "training") -> str:
        """What it wrote into `result`. Raises the error that it reported, DeviceOutOfMemory, or SystemFault with its
        last lines. `what` is its work, for these errors."""
        if self.status == 0 and result.exists():
            return result.read_text()
        if error.exists():
            raise _as_error(ErrorReport.model_validate_json(error.read_text()))
        raise explain(self.status, self.said, what)

    def last_lines(self) -> str:
        return _tail(self.said)


class TrainingProcess(Child):
    """Asked to stop, it leaves a checkpoint and ends; before training has begun it ends at once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._offset = 0
        self._looks = 0
        super().__init__(TRAINING, plan.file, plan.stderr, plan.threads)

    def running(self, wait_s: float) -> bool:
        """Other machines follow the mark that this leaves."""
        if self._plan.machines > 1:
            self._looks += 1
            partial = self._plan.mark.with_suffix(".partial")
            partial.write_text(str(self._looks))
            partial.replace(self._plan.mark)
        return super().running(wait_s)

    def kill(self) -> None:
        self._plan.mark.unlink(missing_ok=True)
        super().kill()

    def ask_to_stop(self) -> None:
        """Each process by itself: their launcher, asked, would give them no time."""
        ranks = [process for process in self.below() if TRAINING in _arguments(process)]
        if self._plan.processes == 1 or not ranks:
            super().ask_to_stop()
            return
        for rank in ranks:
            with contextlib.suppress(psutil.NoSuchProcess):
                rank.terminate()

    def news(self) -> Iterator[Event]:
        """The notes since the last call. A line that is still being written waits for the next."""
        if not self._plan.notes.exists():
            return
        with self._plan.notes.open("rb") as notes:
            notes.seek(self._offset)
            for line in notes:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield EVENTS.validate_json(line)

    def result(self) -> Result:
        """What it left. Raises as `outcome` does."""
        return Result.model_validate_json(self.outcome(self._plan.result, self._plan.error))


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def explain(status: int | None, stderr: str, what: str = "training") -> SystemFault:
    """The error for a subprocess that ended unexplained, from its exit status (negative: a signal) and its output."""
    if any(sign in stderr for sign in _OUT_OF_MEMORY):
        return DeviceOutOfMemory(
            f"{what} ran out of the accelerator's memory",
            remedy=OUT_OF_MEMORY_REMEDY if what == "training" else "Free memory there, or use a larger device.",
        )
    return SystemFault(
        f"the {what} subprocess ended with {how_it_ended(status)}; its last lines:\n{_tail(stderr)}",
        remedy="The next attempt goes on from what this one left. If it ends the same way, look at these lines.",
        code=f"{what}_process_died",
    )


def _environment(threads: int) -> dict[str, str]:
    """Base models are local folders: a look-up on a model hub can only delay or surprise. Threads that spin while
    they wait make a step several times slower where cores are shared: they sleep, unless the environment says else."""
    ours = {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    return {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | ours


def _tail(text: str) -> str:
    """Of several processes the last lines of the one that failed first: what the launcher says after it tells nothing,
    and the others only lost their connection to it."""
    lines = text.splitlines()
    first = next((found[1] for line in lines if (found := _RANK_FAILED.match(line))), "")
    return "\n".join(line[:500] for line in [line for line in lines if line.startswith(first)][-_TAIL_LINES:])


def _as_error(report: ErrorReport) -> SelfSynthError:
    if report.code == DeviceOutOfMemory.code:
        return DeviceOutOfMemory(report.message, remedy=report.remedy)
    kind = UserFault if report.fault == "user" else SystemFault
    return kind(report.message, remedy=report.remedy, code=report.code)
