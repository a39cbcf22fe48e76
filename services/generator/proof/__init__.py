"""Whether an engine really serves the adapter that a step is about to use."""

from services.generator.proof.gate import prove

__all__ = ["prove"]
