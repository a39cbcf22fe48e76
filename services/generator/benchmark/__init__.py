"""The step `benchmark`: lmms-eval, in an environment of its own, asks the engine through a door of ours (ADR 23)."""
