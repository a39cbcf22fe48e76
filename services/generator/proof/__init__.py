"""Whether an engine really serves the adapter that a step is about to use."""

from services.generator.proof.gate import guarded

__all__ = ["guarded"]
