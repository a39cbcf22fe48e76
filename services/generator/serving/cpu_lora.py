"""Keeps adapters off the base model's rows where vLLM computes on a CPU. Knows nothing of requests or names.

vLLM marks a row without an adapter by the slot -1. Its GPU kernels skip such a row; its operations for a CPU take -1
as an index, so that in a batch of both the base answers with whatever adapter is in the last slot (vLLM's pull request
48421). Harmless with a release that mends it.
"""

from typing import Any

from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
from vllm.platforms import current_platform


class MaskedPunicaWrapper(PunicaWrapperCPU):  # type: ignore[misc]  # vllm is not where types are checked
    """What an adapter adds to a row is B(Ax): nothing where Ax is nothing."""

    def _apply_shrink(self, y: Any, x: Any, w_t_all: Any, scale: float) -> None:
        super()._apply_shrink(y, x, w_t_all, scale)
        if not self.no_lora:
            y.masked_fill_((self.token_lora_indices < 0).unsqueeze(-1), 0)


def choose() -> None:
    """Have vLLM compute adapters so in this process, if it computes on a CPU. Comes before a model is made."""
    if current_platform.is_cpu():
        name = f"{MaskedPunicaWrapper.__module__}.{MaskedPunicaWrapper.__qualname__}"
        type(current_platform).get_punica_wrapper = classmethod(lambda cls: name)
