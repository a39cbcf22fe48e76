"""Builds what is served from the settings. Reads the model's config; loads no weights and knows no vllm."""

from services.generator.adapters import AdapterFiles
from services.generator.serving.architecture import read_architecture
from services.generator.serving.arguments import Command, Device, command, max_rank
from services.generator.serving.checks import check
from services.generator.serving.fit import Places
from services.generator.serving.served import Served
from services.generator.serving.settings import ServingSettings
from services.generator.serving.template import tokenizer_must_begin
from shared.objects import open_store


def build(settings: ServingSettings, device: Device) -> tuple[Command, Served]:
    """Raises SelfSynthError for whatever can be known to fail before vLLM is started."""
    model = read_architecture(settings.engine_model)
    check(settings, model, device)
    begins = {"add_special_tokens": True} if tokenizer_must_begin(settings.engine_model) else {}
    made = command(settings, model, device)
    places = Places({**model.language, **model.projector}, max_rank(settings))
    return made, Served(_files(settings), places, begins, settings.engine_sleep)


def _files(settings: ServingSettings) -> AdapterFiles:
    return AdapterFiles(
        open_store(settings.store_url, settings.store_options),
        settings.engine_name,
        settings.engine_adapter_cache,
        settings.engine_adapter_cache_bytes,
        settings.engine_adapter_idle_s,
    )
