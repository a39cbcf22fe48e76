"""clean_concepts: from what models or people named to a concept bank, every removal with its reason."""
