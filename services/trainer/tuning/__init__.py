"""What the training subprocess does: model, pairs and transformers' Trainer. Knows files, no queue and no store."""
