"""Tells the want of memory from other errors, on every device. Knows the words of the libraries, no training."""

import torch

from services.trainer.plan import OUT_OF_MEMORY_REMEDY
from shared.errors import DeviceOutOfMemory

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def out_of_memory(error: BaseException) -> DeviceOutOfMemory:
    device = "accelerator" if torch.cuda.is_available() else "machine"
    words = " ".join(str(error).split())[:300] or type(error).__name__
    return DeviceOutOfMemory(
        f"training ran out of the {device}'s memory: {words}",
        remedy=OUT_OF_MEMORY_REMEDY,
    )
