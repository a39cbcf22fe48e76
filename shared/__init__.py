"""Nouns and borders: what all services speak. Imports no service and knows no model, database or page."""
