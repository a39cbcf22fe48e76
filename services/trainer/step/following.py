"""What the machines after the first do: each joins the trainings that the first one launches, and leaves with them.

They meet in the work folder, which all machines see. Knows no queue and no object store. Clocks of machines differ, so
a launch counts as alive while its mark changes, by the watcher's own clock.
"""

import contextlib
import time
from pathlib import Path
from threading import Event

import structlog

from services.trainer.plan import MARK
from services.trainer.step.child import TRAINING, Child
from services.trainer.wiring import TrainerSettings

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_SILENT_S = 90.0


class Launches:
    """The marks below a work folder."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        # What each mark said last, and when it said something new; never yet: None.
        self._seen: dict[Path, tuple[str, float | None]] = {}

    def alive(self, now_s: float) -> Path | None:
        """The folder of a launch whose mark was seen to change lately."""
        marks = {}
        for mark in self._work_dir.glob(f"*/a*/run*/{MARK}"):
            with contextlib.suppress(FileNotFoundError):  # the launch ended just now
                marks[mark] = mark.read_text()
        for mark, said in marks.items():
            before, _ = self._seen.get(mark, (said, None))
            if mark not in self._seen or said != before:
                self._seen[mark] = (said, now_s if said != before else None)
        self._seen = {mark: seen for mark, seen in self._seen.items() if mark in marks}
        moving = [mark.parent for mark, (_, at) in self._seen.items() if at is not None and now_s - at < _SILENT_S]
        return moving[0] if moving else None


def follow(settings: TrainerSettings, stopping: Event) -> None:
    """Until `stopping` is set and no launch is alive: the last checkpoint of one that is needs all machines. What it
    started dies with this process."""
    launches, joined, child = Launches(settings.work_dir), None, None
    while True:
        alive = launches.alive(time.monotonic())
        if alive != joined:
            if child:
                child.kill()
            child = _join(alive, settings) if alive else None
            joined = alive
        if stopping.is_set() and not alive:
            return
        # No wait on the event: while a launch is alive one that is set would not let this sleep.
        time.sleep(_LOOK_S)


def _join(launch: Path, settings: TrainerSettings) -> Child:
    machines = settings.machines
    log.info("joins a training", plan=str(launch), machine=machines.rank, machines=machines.count)
    return Child(TRAINING, launch / "plan.json", launch / f"stderr-machine{machines.rank}.txt", settings.threads)
