"""Settings that every service has, read from `SELFSYNTH_*` when a process is wired, never at import.

A setting may come from a file instead, as secrets do: in the folder `SELFSYNTH_SECRETS_DIR` (`/run/secrets` where there
is one) it is called as the variable, in lower case. The environment goes before the files; of settings that are JSON
objects the two are laid together.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from shared.errors import InvalidInput

_SECRETS_DIR = "SELFSYNTH_SECRETS_DIR"
_USUAL_SECRETS_DIR = Path("/run/secrets")


class ProcessSettings(BaseSettings):
    """What any process has. Raises InvalidInput when the folder of secrets that is named cannot be read."""

    model_config = SettingsConfigDict(env_prefix="SELFSYNTH_", frozen=True, extra="ignore")

    log_level: str = "INFO"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=secrets_dir())


class ServiceSettings(ProcessSettings):
    """Subclass in a service to add its own."""

    store_url: str
    store_options: dict[str, str] = {}


class WorkerSettings(ServiceSettings):
    """What a queue worker needs beside the store: the queue, and the coordinator with the worker's own token."""

    redis_url: SecretStr
    coordinator_url: str
    worker_token: SecretStr
    worker_name: str = ""
    metrics_port: int = Field(0, ge=0, lt=2**16, description="where /metrics and /healthz are served; 0: nowhere")
    worker_messages: int = Field(0, ge=0, description="to handle before the worker ends; 0: all, and those to come")


def secrets_dir() -> Path | None:
    """The folder of secret files, None where there is none. Raises InvalidInput when the one that is named is none."""
    named = os.environ.get(_SECRETS_DIR)
    folder = Path(named) if named else _USUAL_SECRETS_DIR
    if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
        return folder
    if named:
        raise InvalidInput(
            f"{_SECRETS_DIR} names {folder}, which is no folder that this process may read",
            remedy="Mount the secrets there, or name the folder that holds them.",
        )
    return None
