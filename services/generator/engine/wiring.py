"""Builds the engine from its settings; the only place that loads a model or opens the store."""

import torch
from fastapi import FastAPI
from transformers import AutoProcessor

from services.generator.adapters import AdapterFiles
from services.generator.engine.app import Engine, create_app
from services.generator.engine.model import VisionLanguageModel
from services.generator.engine.settings import EngineSettings
from shared.objects import open_store


def build(settings: EngineSettings) -> FastAPI:
    """The app, model loaded; its compute thread starts and ends with it."""
    if settings.engine_threads:
        torch.set_num_threads(settings.engine_threads)
    files = AdapterFiles(
        open_store(settings.store_url, settings.store_options),
        settings.engine_name,
        settings.engine_adapter_cache,
        settings.engine_adapter_cache_bytes,
    )
    model = VisionLanguageModel(settings.engine_model, settings.engine_max_adapters)
    return create_app(Engine(settings, model, AutoProcessor.from_pretrained(settings.engine_model), files))
