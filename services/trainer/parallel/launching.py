"""The command that starts a training's processes on this machine, with accelerate. Knows no plan's content."""

import os
import sys
from pathlib import Path

from services.trainer.parallel.machines import Machines

# Said, so that no configuration file of the user's is asked.
_SAID = ("--mixed_precision", "no", "--dynamo_backend", "no")


def launcher(plan_file: Path, processes: int, machines: Machines) -> list[str]:
    """For `processes` on all machines together. `--multi_gpu` is accelerate's word for one process a device: without a
    GPU they are CPU processes over gloo. What it starts has the launcher for its parent: this very process."""
    where = ["--num_machines", str(machines.count), "--main_process_port", "0"]  # 0: any free one
    if machines.count > 1:
        where[-1] = str(machines.port)
        where += ["--machine_rank", str(machines.rank), "--main_process_ip", machines.leader]
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes), *where, *_SAID]
    return [sys.executable, *launch, "-m", "services.trainer.sft", str(plan_file), str(os.getpid())]
