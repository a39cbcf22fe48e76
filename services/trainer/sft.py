"""The training subprocess: `python -m services.trainer.sft PLAN.json PARENT`. Knows files only: no queue, no store.

Light on purpose: what must be in place before torch's seconds of import (dying with the parent, the launcher for more
than one process) is done first.
"""

import gc
import os
import sys
import traceback
from pathlib import Path

from services.trainer.parallel.launching import launcher
from services.trainer.parallel.machines import Machines
from services.trainer.plan import Plan
from shared.errors import ErrorReport, SelfSynthError
from shared.worker.parent_death import die_with_parent

FAILED = 3
ORPHANED = 4


def main() -> int:
    """Exit status 0 with a result, or after SIGTERM with none but a checkpoint; FAILED with an error file; ORPHANED
    when the parent (process id PARENT) was gone before this process could ask to die with it."""
    die_with_parent()
    if os.getppid() != int(sys.argv[2]):
        return ORPHANED
    plan = Plan.model_validate_json(Path(sys.argv[1]).read_text())
    if plan.processes > 1 and "LOCAL_RANK" not in os.environ:
        _become_launcher(plan)
    # Importing makes millions of objects that live to the end: collecting in between costs a third of the import.
    gc.disable()
    from services.trainer.tuning.memory import is_out_of_memory, out_of_memory
    from services.trainer.tuning.tune import tune

    gc.freeze()
    gc.enable()
    try:
        tune(plan)
    except SelfSynthError as error:
        leave_error(plan.error, error.report())
        return FAILED
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.print_exc()
        leave_error(plan.error, out_of_memory(error).report())
        return FAILED
    return 0


def _become_launcher(plan: Plan) -> None:
    """Replaced in place, so that the launcher dies with our parent; its own children come back here."""
    os.execv(sys.executable, launcher(plan.file, plan.processes, Machines()))


def leave_error(file: Path, report: ErrorReport) -> None:
    """Whole or not at all."""
    partial = file.with_suffix(".partial")
    partial.write_text(report.model_dump_json())
    partial.replace(file)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All files are closed; taking torch apart object by object would only cost another second.
    os._exit(status)
