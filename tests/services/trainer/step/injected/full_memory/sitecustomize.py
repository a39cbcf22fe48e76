"""On a training's PYTHONPATH: a device that is full when a forward pass holds more than FULL_ABOVE sequences, after the
first FULL_AFTER such passes. Registered with torch for every module; nothing of ours is touched."""

import os
import sys

if "services.trainer.sft" in sys.orig_argv:
    import itertools

    import torch

    _passes = itertools.count(1)

    def _full(module, args, kwargs) -> None:  # type: ignore[no-untyped-def]
        ids = kwargs.get("input_ids")
        if type(module).__name__ != "LlavaForConditionalGeneration" or ids is None:
            return
        if len(ids) > int(os.environ["FULL_ABOVE"]) and next(_passes) > int(os.environ["FULL_AFTER"]):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    # A global hook is given no keyword arguments: each module gets its own when it is made.
    _made = torch.nn.Module.__init__

    def _hooked(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        _made(self, *args, **kwargs)
        if type(self).__name__ == "LlavaForConditionalGeneration":
            self.register_forward_pre_hook(_full, with_kwargs=True)

    torch.nn.Module.__init__ = _hooked  # type: ignore[method-assign]
