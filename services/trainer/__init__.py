"""The training service: turns a round's QA pairs into a LoRA adapter."""
