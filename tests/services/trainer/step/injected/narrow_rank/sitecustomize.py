"""On a training's PYTHONPATH: its second process cannot compute with masks of more than two axes, as packing wants."""

import os
import sys

if "services.trainer.sft" in sys.orig_argv and os.environ.get("LOCAL_RANK") == "1":
    import torch

    def _refuse(module, args, kwargs) -> None:  # type: ignore[no-untyped-def]
        mask = kwargs.get("attention_mask")
        if mask is not None and mask.ndim > 2:
            raise ValueError("masks have two dimensions")

    # A global hook is given no keyword arguments: each module gets its own when it is made.
    _made = torch.nn.Module.__init__

    def _hooked(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        _made(self, *args, **kwargs)
        if type(self).__name__ == "LlavaForConditionalGeneration":
            self.register_forward_pre_hook(_refuse, with_kwargs=True)

    torch.nn.Module.__init__ = _hooked  # type: ignore[method-assign]
