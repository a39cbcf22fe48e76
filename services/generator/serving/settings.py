"""The server's settings, from `SELFSYNTH_ENGINE_*`; where they mean the same they are those of our own engine."""

from typing import Literal

from pydantic import Field

from services.generator.engine.settings import EngineSettings
from shared.observing.tracing import traces_endpoint

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class ServingSettings(EngineSettings):
    """`engine_max_adapters` are kept in memory, `engine_adapter_slots` of them on the device at once.

    `engine_max_length` in tokens: the model's own by default, at most 8192. `engine_memory_share` is of a GPU's memory;
    on a CPU `engine_cache_gib` is what the cache of keys and values gets. `engine_extra` goes to vLLM as it is.
    """

    engine_dtype: Dtype = "auto"
    engine_max_length: int | None = Field(None, ge=16)
    engine_max_lora_rank: int = Field(128, ge=1)
    engine_adapter_slots: int = Field(4, ge=1)
    engine_tensor_parallel: int = Field(1, ge=1)
    engine_memory_share: float = Field(0.9, gt=0, le=1)
    engine_cache_gib: int = Field(1, ge=1)
    engine_prefix_caching: bool = True
    engine_max_images: int = Field(1, ge=1, description="in one request")
    engine_adapter_idle_s: float = Field(30, ge=0, description="an adapter used more lately is not dropped")
    engine_sleep: bool = False
    engine_otlp: str | None = Field(default_factory=traces_endpoint, description="where vLLM's own spans are sent")
    engine_extra: tuple[str, ...] = ()
