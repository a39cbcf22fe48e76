"""Settings that every service has, read from `SELFSYNTH_*` when a process is wired, never at import."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Subclass in a service to add its own."""

    model_config = SettingsConfigDict(env_prefix="SELFSYNTH_", frozen=True, extra="ignore")

    store_url: str
    store_options: dict[str, str] = {}
    log_level: str = "INFO"


class WorkerSettings(ServiceSettings):
    """What a queue worker needs beside the store: the queue, and the coordinator with the worker's own token."""

    redis_url: SecretStr
    coordinator_url: str
    worker_token: SecretStr
    worker_name: str = ""
