"""Sentence embeddings by sentence-transformers. Knows no encoder's name: what one needs, its files or the settings say.

A model's own files say how it pools, how long a text it reads and which prompt goes before one; a prefix in the
settings overrides the prompt (encoders that were trained with one do not always say so in their files).
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from shared.errors import SystemFault
from shared.types.encoders import EncoderFacts


class Encoder(Protocol):
    def encode(self, texts: Sequence[str]) -> Tensor:
        """L2-normalised embeddings, one row a text: [N, E]."""


class KnownEncoder(Encoder, Protocol):
    """One that can be told from others."""

    @property
    def facts(self) -> EncoderFacts: ...


class SentenceEncoder:
    """The model in a folder, or of that name on a hub.

    `prefix` goes before every text (`"query: "`, say); None: what the model's files say, or nothing. `name` is what
    people call it, `model` itself by default. Raises SystemFault when there is no such encoder.
    """

    def __init__(
        self, model: str, prefix: str | None = None, batch_size: int = 64, device: str = "cpu", name: str = ""
    ) -> None:
        from sentence_transformers import SentenceTransformer  # takes seconds: not at import
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            self.model = SentenceTransformer(model, device=device)
        except (OSError, ValueError) as error:
            raise SystemFault(
                f"there is no text encoder {model!r}: {error}",
                remedy="Set SELFSYNTH_ENCODER to the folder of a sentence-transformers encoder, or to a name that its "
                "hub knows.",
            ) from error
        if prefix is not None:
            self.model.prompts["own"], self.model.default_prompt_name = prefix, "own"
        self.device = str(self.model.device)
        self._batch_size = batch_size
        self._name = name or model

    @property
    def prefix(self) -> str:
        return str(self.model.prompts.get(self.model.default_prompt_name or "") or "")

    @property
    def facts(self) -> EncoderFacts:
        return EncoderFacts(name=self._name, prefix=self.prefix, identity=self.identity)

    @cached_property
    def identity(self) -> str:
        """A SHA-256 over all that an embedding depends on beside the text."""
        facts = (str(self.model), self.prefix, self.model.max_seq_length, self.model.dtype, self._tokenizer())
        digest = hashlib.sha256(repr(facts).encode())
        for name, weights in self.model.state_dict().items():
            digest.update(name.encode())
            digest.update(weights.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def _tokenizer(self) -> str:
        """What it is, without what it did last."""
        tokenizer = self.model.tokenizer
        if not hasattr(tokenizer, "backend_tokenizer"):
            return repr(tokenizer)
        facts = json.loads(tokenizer.backend_tokenizer.to_str())
        return json.dumps({name: fact for name, fact in facts.items() if name not in ("padding", "truncation")})

    def encode(self, texts: Sequence[str]) -> Tensor:
        """[N, E] float32 on the encoder's device. Equal texts are embedded once; batches hold texts of like length."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return torch.zeros(0, self.model.get_embedding_dimension() or 0, device=self.device)
        rows = self.model.encode(
            distinct, batch_size=self._batch_size, convert_to_tensor=True, show_progress_bar=False
        ).float()
        place = {text: k for k, text in enumerate(distinct)}
        return torch.nn.functional.normalize(rows, dim=-1)[[place[text] for text in texts]]
