"""Builds the generation worker's concrete parts from its settings. The only place of the worker that reads them."""

from functools import partial

from pydantic import Field, SecretStr

from services.generator.chat import Engine
from services.generator.steps import answer, describe, evaluate, synthesise, view_concepts
from shared.settings import WorkerSettings
from shared.types.lifecycle import StepName
from shared.worker.context import Work


class GeneratorSettings(WorkerSettings):
    """`engine_url` is without `/v1`. For the last three see services.generator.chat.Engine."""

    engine_url: str
    engine_key: SecretStr = SecretStr("")
    in_flight: int = Field(64, ge=1)
    engine_request_s: float = Field(300, gt=0)
    engine_patience_s: float = Field(120, gt=0)


def read_settings() -> GeneratorSettings:
    """From the environment, `SELFSYNTH_*`. Raises pydantic.ValidationError that names what is missing."""
    return GeneratorSettings()


def build_engine(settings: GeneratorSettings) -> Engine:
    return Engine(
        url=settings.engine_url,
        key=settings.engine_key.get_secret_value(),
        in_flight=settings.in_flight,
        request_s=settings.engine_request_s,
        patience_s=settings.engine_patience_s,
    )


def build_steps(engine: Engine) -> dict[StepName, Work]:
    return {
        StepName.DESCRIBE: partial(describe.run, engine=engine),
        StepName.SYNTHESISE: partial(synthesise.run, engine=engine),
        StepName.ANSWER: partial(answer.run, engine=engine),
        StepName.EVALUATE: partial(evaluate.run, engine=engine),
        StepName.VIEW_CONCEPTS: partial(view_concepts.run, engine=engine),
    }
