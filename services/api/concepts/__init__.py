"""Concept banks: who is asked for concepts, what an edit may do, what users see. The model work is done elsewhere."""
