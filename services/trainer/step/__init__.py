"""The step `train` as the queue's worker runs it: store, work folder and subprocess. No tensors here."""
