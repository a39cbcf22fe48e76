"""What a process does to a cache that it shares with others. Imports no torch, so that the process is there at once."""

from pathlib import Path

from services.selector.embedding_cache import EmbeddingCache


def put_and_get(folder: Path, first: int) -> list[bytes]:
    """Put some vectors again and again, ask for them; the keys whose vectors were not what was put."""
    cache = EmbeddingCache(folder, 10_000_000)
    wrong = []
    for start in range(first, first + 50, 10):
        put = {key: key * 100 for key in (str(k).encode() for k in range(start, start + 10))}
        cache.put(put)
        found = cache.get(list(put))
        wrong += [key for key in put if found.get(key) != put[key]]
    return wrong
