"""Builds the generation worker's concrete parts from its settings. The only place of the worker that reads them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import Field, SecretStr

from services.generator.benchmark import step as benchmark
from services.generator.benchmark.place import Place
from services.generator.chat import Engine
from services.generator.judging.verdicts import Judges
from services.generator.liveness import condition
from services.generator.proof import guarded
from services.generator.steps import answer, describe, evaluate, synthesise, view_concepts
from shared.artefacts import ManifestRef
from shared.endpoints.settings import EndpointSettings
from shared.engine_addresses import reachable
from shared.errors import EngineUnavailable
from shared.settings import WorkerSettings
from shared.types.lifecycle import StepName
from shared.worker.context import StepContext, Work


class GeneratorSettings(WorkerSettings, EndpointSettings):
    """`engine_url` is without `/v1`, or several. For what follows the key see services.generator.chat.Engine and, of
    benchmarks, services.generator.benchmark.place.Place."""

    engine_url: str
    engine_key: SecretStr = SecretStr("")
    in_flight: int = Field(64, ge=1)
    engine_request_s: float = Field(300, gt=0)
    engine_patience_s: float = Field(120, gt=0)
    engine_tries: int = Field(5, ge=1)
    benchmark_python: Path | None = None
    benchmark_folders: tuple[Path, ...] = ()
    benchmark_hub: bool = False
    benchmark_quiet_s: float = Field(1800, gt=0)


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
        tries=settings.engine_tries,
    )


def build_judges(settings: GeneratorSettings) -> Judges:
    return Judges(settings.concept_endpoints, settings.concept_open_urls)


def build_place(settings: GeneratorSettings) -> Place:
    return Place(
        settings.benchmark_python, settings.benchmark_folders, settings.benchmark_hub, settings.benchmark_quiet_s
    )


def build_steps(engine: Engine, judges: Judges | None = None, place: Place | None = None) -> dict[StepName, Work]:
    runs: dict[StepName, Callable[[StepContext, Engine], ManifestRef]] = {
        StepName.DESCRIBE: describe.run,
        StepName.SYNTHESISE: synthesise.run,
        StepName.ANSWER: answer.run,
        StepName.EVALUATE: partial(evaluate.run, judges=judges),
        StepName.VIEW_CONCEPTS: view_concepts.run,
        StepName.BENCHMARK: partial(benchmark.run, place=place or Place(None)),
    }
    return {step: _gated(run, engine) for step, run in runs.items()}


def _gated(run: Callable[[StepContext, Engine], ManifestRef], engine: Engine) -> Work:
    """A step asks nothing of an adapter before the engine was seen to serve it."""

    def work(context: StepContext) -> ManifestRef:
        try:
            return run(context, guarded(context, engine))
        except EngineUnavailable as error:
            seen = "; ".join(condition(url) for url in reachable(engine.url))
            raise EngineUnavailable(f"{error.message} ({seen})", remedy=error.remedy, code=error.code) from error

    return work
