"""Seeds of single samples, derived so that a resumed or re-sharded run draws the same. Pure."""

import hashlib

_LIMIT = 2**31 - 1


def derive(*parts: object) -> int:
    """A seed in [0, 2^31 - 1) from (job seed, round, step, example, question, sample ...): the first 8 bytes of SHA-256
    over the parts' texts, separated by a byte that no text holds."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") % _LIMIT
