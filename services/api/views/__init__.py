"""What users are shown: rows in, JSON models out. Pure."""
