"""The merging subprocess: `python -m services.trainer.export PLAN.json PARENT`. Knows files only."""

import os
import sys
from pathlib import Path

from services.trainer.export.plan import MergePlan
from services.trainer.sft import FAILED, ORPHANED, leave_error
from shared.errors import DiskFull, SelfSynthError, is_disk_full
from shared.worker.parent_death import die_with_parent


def main() -> int:
    """Exit status 0 with a result; FAILED with an error file; ORPHANED when the parent was gone before."""
    die_with_parent()
    if os.getppid() != int(sys.argv[2]):
        return ORPHANED
    plan = MergePlan.model_validate_json(Path(sys.argv[1]).read_text())
    from services.trainer.export.compare import compare
    from services.trainer.export.merge import write_merged

    try:
        write_merged(plan)
        plan.result.write_text(compare(plan).model_dump_json())
    except SelfSynthError as error:
        leave_error(plan.error, error.report())
        return FAILED
    except OSError as error:
        if not is_disk_full(error):
            raise
        full = DiskFull(f"the disk of {plan.folder} is full", remedy="A merged model needs as much room as its base.")
        leave_error(plan.error, full.report())
        return FAILED
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
