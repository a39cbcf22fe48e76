"""DeepSpeed's ZeRO: what the processes of a training share out between them. Knows no pairs and no schedule.

ZeRO-2 shares out optimiser state and gradients, ZeRO-3 the weights too: a process then holds a weight whole only while
it computes with it, or inside `whole`.
"""

import importlib.util
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
from transformers.integrations import deepspeed as integration

from shared.errors import SystemFault, UserFault
from shared.job_settings import Parallel


def zero_config(parallel: Parallel) -> dict[str, Any] | None:
    """DeepSpeed's settings, as shipped beside this file; the Trainer fills in what is "auto". None for none.

    Raises UserFault where DeepSpeed is not installed.
    """
    if parallel == "ddp":
        return None
    if importlib.util.find_spec("deepspeed") is None:
        raise UserFault(
            f"train.parallel is {parallel!r}, but this trainer has no DeepSpeed installed",
            remedy="Set train.parallel to 'ddp', or run `tools/install.sh deepspeed` where the trainer runs.",
            code="deepspeed_unavailable",
        )
    config: dict[str, Any] = json.loads(Path(__file__).with_name(f"{parallel}.json").read_text())
    return config


def join_on_cpus() -> None:
    """Connect this process with the others over gloo, for DeepSpeed. accelerate does it on accelerators only."""
    import deepspeed

    # Only inference would use it. Compiling it takes minutes, and a training killed meanwhile would leave a lock that
    # the next waits for, for ever.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed("gloo", auto_mpi_discovery=False, verbose=False)
    PartialState(cpu=True).distributed_type = DistributedType.DEEPSPEED


def check_checkpoint(checkpoint: Path, processes: int) -> None:
    """Raises SystemFault unless so many processes shared out what is in the folder `checkpoint`; 0: not shared out."""
    parts = len(list(checkpoint.glob("global_step*/*_optim_states.pt")))
    if parts != processes:
        raise SystemFault(
            f"the last checkpoint is shared out between {parts} processes and this trainer has {processes} to share it "
            "(0: none that share)",
            remedy=f"Run a trainer with {parts or 1} processes in all (SELFSYNTH_TRAINER_PROCESSES times machines).",
            code="checkpoint_shared_out_otherwise",
        )


@contextmanager
def unpartitioned() -> Iterator[None]:
    """Models that are built inside are not shared out: for those that hold no numbers."""
    kept = integration._hf_deepspeed_config_weak_ref
    integration.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        integration._hf_deepspeed_config_weak_ref = kept


@contextmanager
def whole(weights: Iterable[torch.nn.Parameter], *, change: bool = False) -> Iterator[None]:
    """Inside, each process holds `weights` whole. All processes must come here. With `change`, what the first process
    writes into them there is what all go on with."""
    shared_out = [weight for weight in weights if hasattr(weight, "ds_id")]
    if not shared_out:
        yield
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters(shared_out, modifier_rank=0 if change else None):
        yield
