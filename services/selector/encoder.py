"""Sentence embeddings from a folder with a transformers text encoder. Knows no encoder's name.

The folder's own files say how it pools, how long a text it reads and which prefix it wants (the layout of
sentence-transformers); a prefix in the settings overrides the folder's.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from shared.errors import SystemFault

_DEFAULT_TOKENS = 512


class Encoder(Protocol):
    def encode(self, texts: Sequence[str]) -> Tensor:
        """L2-normalised embeddings, one row a text: [N, E]."""


class SentenceEncoder:
    """A transformers encoder with mean or CLS pooling.

    `prefix` goes before every text (`"query: "` for encoders trained so); None takes what the folder says, or nothing.
    Raises SystemFault when the folder holds no encoder.
    """

    def __init__(self, folder: Path, prefix: str | None = None, batch_size: int = 64, device: str = "cpu") -> None:
        from transformers import AutoModel, AutoTokenizer  # takes seconds: not at import
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if not (folder / "config.json").is_file():
            raise SystemFault(
                f"there is no text encoder in {folder}",
                remedy="Set SELFSYNTH_ENCODER to the folder of a transformers text encoder.",
            )
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModel.from_pretrained(folder).eval().to(device)
        self.prefix = _own_prefix(folder) if prefix is None else prefix
        self._max_tokens = _max_tokens(folder)
        self._pools_cls = bool(_json(folder / "1_Pooling/config.json").get("pooling_mode_cls_token"))
        self._batch_size = batch_size
        self._device = device

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """[N, E] float32 on the encoder's device. Equal texts are embedded once; batches hold texts of like length."""
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        if not distinct:
            return torch.zeros(0, self._model.config.hidden_size, device=self._device)
        starts = range(0, len(distinct), self._batch_size)
        rows = torch.cat([self._embed(distinct[start : start + self._batch_size]) for start in starts])
        place = {text: k for k, text in enumerate(distinct)}
        return rows[torch.tensor([place[text] for text in texts], device=rows.device)]

    def _embed(self, texts: Sequence[str]) -> Tensor:
        inputs = self._tokenizer(
            [self.prefix + text for text in texts],
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        ).to(self._device)
        states_nte: Tensor = self._model(**inputs).last_hidden_state
        mask_nt1 = inputs["attention_mask"].unsqueeze(-1).to(states_nte.dtype)
        pooled = states_nte[:, 0] if self._pools_cls else (states_nte * mask_nt1).sum(1) / mask_nt1.sum(1)
        return torch.nn.functional.normalize(pooled.float(), dim=-1)


def _own_prefix(folder: Path) -> str:
    said = _json(folder / "config_sentence_transformers.json")
    prompts: dict[str, str] = said.get("prompts") or {}
    return prompts.get(said.get("default_prompt_name") or "", "")


def _max_tokens(folder: Path) -> int:
    return int(_json(folder / "sentence_bert_config.json").get("max_seq_length") or _DEFAULT_TOKENS)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}
