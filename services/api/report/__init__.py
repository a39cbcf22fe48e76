"""A job's report: what it came to, with which certainty, at which cost, and out of what. Read only."""
