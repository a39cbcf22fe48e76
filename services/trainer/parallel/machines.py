"""How many machines train together, and which of them this one is. Knows the environment, nothing of training."""

from typing import Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _named(*names: str) -> AliasChoices:
    return AliasChoices(f"SELFSYNTH_TRAINER_{names[0]}", *names[1:])


class Machines(BaseSettings):
    """By our names, or by those that LeaderWorkerSet and indexed Jobs give to their pods. All must see the same
    `SELFSYNTH_WORK_DIR` and models under the same paths, and run as many processes each."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    count: int = Field(1, ge=1, validation_alias=_named("MACHINES", "LWS_GROUP_SIZE"))
    rank: int = Field(0, ge=0, validation_alias=_named("MACHINE_RANK", "LWS_WORKER_INDEX", "JOB_COMPLETION_INDEX"))
    leader: str = Field("127.0.0.1", validation_alias=_named("LEADER_ADDRESS", "LWS_LEADER_ADDRESS"))
    port: int = Field(29500, ge=1, le=65535, validation_alias=_named("LEADER_PORT"))

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.count > 1 and self.rank >= self.count:
            raise ValueError(
                f"machine rank {self.rank} of {self.count} machines: SELFSYNTH_TRAINER_MACHINE_RANK counts from 0"
            )
        return self
