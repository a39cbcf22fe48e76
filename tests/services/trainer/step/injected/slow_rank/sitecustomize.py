"""On a training's PYTHONPATH: its second process is slow to write what it saves."""

import os
import sys

if "services.trainer.sft" in sys.orig_argv and os.environ.get("LOCAL_RANK") == "1":
    import time

    import torch

    _save = torch.save

    def _slowly(*args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        time.sleep(1)
        _save(*args, **kwargs)

    torch.save = _slowly
