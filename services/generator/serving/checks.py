"""Whether a model can be served as the settings say. Every check here is one that would else fail a minute later."""

from services.generator.serving.architecture import Architecture
from services.generator.serving.arguments import Device, max_rank
from services.generator.serving.checkpoint import check_weight_names
from services.generator.serving.settings import ServingSettings
from shared.errors import InvalidInput


def check(settings: ServingSettings, model: Architecture, device: Device) -> None:
    """Raises InvalidInput with what to change."""
    _check_length(settings, model)
    _check_head_size(model, device)
    max_rank(settings)
    if not model.language:
        raise InvalidInput(
            f"the model in {settings.engine_model} has no linear layers in its language model to put adapters on",
            remedy="Use a model with a language model of plain layers, as most are.",
            code="unsupported_model",
        )
    check_weight_names(settings.engine_model, model.hidden_prefixes)


def _check_length(settings: ServingSettings, model: Architecture) -> None:
    wanted = settings.engine_max_length
    if wanted and wanted > model.positions:
        raise InvalidInput(
            f"the length {wanted} is over what the model has positions for: {model.positions}",
            remedy=f"Lower SELFSYNTH_ENGINE_MAX_LENGTH to {model.positions} or less, or leave it out.",
        )


def _check_head_size(model: Architecture, device: Device) -> None:
    if device.head_sizes and model.head_size not in device.head_sizes:
        raise InvalidInput(
            f"vLLM on this {device.kind} serves no attention heads of size {model.head_size}",
            remedy=f"Use a model with one of the sizes {', '.join(map(str, device.head_sizes))}, or our own engine.",
        )
