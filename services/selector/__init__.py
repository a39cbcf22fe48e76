"""The selector: embeds texts, scores concepts and answers by InfoNCE, and keeps by score. Asks no model for text."""
