"""Ids of data sets and jobs: a prefix, the time in milliseconds, and chance, so that they sort by age. Pure."""

import secrets
import time


def new_id(prefix: str) -> str:
    """For example `job_0198f3a1c2d47e21b3`: letters, digits and underscores only, safe in keys, queues and URLs."""
    return f"{prefix}_{int(time.time() * 1000):011x}{secrets.token_hex(4)}"
