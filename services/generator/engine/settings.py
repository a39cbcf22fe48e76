"""The engine's settings, from `SELFSYNTH_*`; read when the process is wired."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class EngineSettings(ServiceSettings):
    """`engine_name` is the base model's served name. Without `engine_threads` torch uses every core.
    Copies of adapters are kept in a folder of this engine alone, without `engine_adapter_cache` in a temporary one."""

    engine_model: Path
    engine_name: str
    engine_host: str = "127.0.0.1"
    engine_port: int = 8000
    engine_key: SecretStr | None = None
    engine_threads: int | None = Field(None, ge=1)
    engine_max_rows: int = Field(128, ge=1, description="rows (samples) of one batch")
    engine_max_queued: int = Field(2048, ge=1, description="requests that wait; more are answered 503")
    engine_window_s: float = Field(0.02, ge=0, description="a batch starts when no request came for this long")
    engine_max_adapters: int = Field(8, ge=1, description="in memory")
    engine_adapter_cache: Path | None = None
    engine_adapter_cache_bytes: int = Field(20 * 2**30, ge=1)
    engine_max_pixels: int = Field(25_000_000, ge=1)
