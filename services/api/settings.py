"""The coordinator's settings, read from `SELFSYNTH_*` when a process is wired."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.api.datasets.validation.examine import ImageRules
from shared.endpoints.settings import EndpointSettings
from shared.settings import ProcessSettings, WorkerSettings

_MIB = 1024 * 1024


class ApiSettings(EndpointSettings):
    database_url: SecretStr
    redis_url: SecretStr
    api_key: SecretStr = Field(min_length=8)
    worker_token: SecretStr = Field(min_length=8)
    engine_url: str
    engine_key: SecretStr = SecretStr("")
    import_roots: tuple[Path, ...] = Field((), description="folders from which data sets may be read by path")
    import_prefix: str = Field("imports", description="folder of the object store that data sets may be read from")
    lease_s: float = Field(15.0, gt=0)
    lease_margin_s: float = Field(3.0, ge=0)
    reconcile_s: float = Field(1.0, gt=0)
    attempts_per_step: int = Field(4, ge=1)
    retry_delay_s: float = Field(2.0, ge=0, description="pause before the second attempt; doubled for each later one")
    steps_per_job: int = Field(8, ge=1, description="shards of one job that are queued or running at once")
    max_lora_rank: int = Field(128, ge=1, description="what the engine was started to serve")
    benchmark_tasks: tuple[str, ...] = Field(
        (), description="lmms-eval's tasks that jobs may ask for, which the generation workers are set up to run"
    )
    chats_at_once: int = Field(4, ge=1, description="chats with tuned models that the engine is asked at a time")
    chat_s: float = Field(120.0, gt=0, description="how long a chat waits for its answer")
    chat_limit_bytes: int = Field(16 * _MIB, description="limit of a chat's body, its image included")
    migrate_at_start: bool = Field(True, description="else wait until `python -m services.api.migrate` has done it")
    body_limit_bytes: int = _MIB
    upload_limit_bytes: int = 20 * 1024 * _MIB


class IngestSettings(WorkerSettings, EndpointSettings):
    """What the data worker needs beside a worker's own."""

    import_roots: tuple[Path, ...] = ()
    upload_limit_bytes: int = Field(20 * 1024 * _MIB, description="limit of an unpacked upload, or of a copied prefix")
    ingest_processes: int = Field(0, ge=0, description="processes that look at images; 0: one a core")
    images_per_part: int = Field(512, ge=1, description="a killed worker looks again at no more images than these")
    image_rules: ImageRules = ImageRules()


class MigrationSettings(ProcessSettings):
    """What a move to the newest schema needs, and no more."""

    database_url: SecretStr
