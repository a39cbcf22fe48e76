"""Launches vLLM with settings derived from the model, and lets it serve adapters by name from the object store."""
