"""The engine's sleep: one GPU that engine and trainer share belongs to one of them at a time (docs/adr/0011)."""
