"""An encoder that remembers: texts embedded in an earlier round, or by another worker of the machine, are not again."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from services.selector.embedding_cache import EmbeddingCache
from services.selector.encoder import KnownEncoder
from shared.observing import tally
from shared.observing.figures import EMBEDDED


class PlacedEncoder(KnownEncoder, Protocol):
    device: str


class CachedEncoder:
    """The encoder, asked only for texts that the cache does not hold. Embeddings are float32."""

    def __init__(self, encoder: PlacedEncoder, cache: EmbeddingCache) -> None:
        self._encoder = encoder
        self.facts = encoder.facts
        self._identity = self.facts.identity.encode()
        self._cache = cache

    def encode(self, texts: Sequence[str]) -> Tensor:
        """[N, E] float32 on the encoder's device."""
        keys = {text: self._key(text) for text in texts}
        if not keys:
            return self._encoder.encode([])
        vectors = self._cache.get(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in vectors]
        tally.tell(EMBEDDED, len(keys) - len(missing), cache="hit")
        tally.tell(EMBEDDED, len(missing), cache="miss")
        if missing:
            rows = self._encoder.encode(missing).float().cpu().numpy()
            fresh = {keys[text]: row.tobytes() for text, row in zip(missing, rows, strict=True)}
            self._cache.put(fresh)
            vectors |= fresh
        joined = b"".join(vectors[keys[text]] for text in texts)
        rows = np.frombuffer(bytearray(joined), dtype=np.float32).reshape(len(texts), -1)
        return torch.from_numpy(rows).to(self._encoder.device)

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(self._identity + b"\0" + text.encode()).digest()
