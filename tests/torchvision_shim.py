"""Lets a torchvision built for CUDA be imported beside a torch built for the CPU, where tests have no other.

tools/install_vllm.sh puts it into .venv-vllm on such machines, and nowhere else. Importing torchvision registers fake
versions of its operators, which fails when its CUDA library could not define them; so they are defined here just
before, without any code. Nothing of ours calls them.
"""

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OPERATORS = ("nms", "qnms")
_kept: list[Any] = []


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing; it only notices that torchvision is about to be imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            _define_operators()
        return None


def _define_operators() -> None:
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in _OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)  # the definitions go when it does


sys.meta_path.insert(0, _BeforeTorchvision())
