"""All that a job may choose, with its defaults and the published method's choices. Pure.

`resolve` is the one way from a request's `method` and `settings` to a `JobSettings`; it reports all faults at once.
"""

from typing import Any, Literal

from pydantic import Field, ValidationError

from shared.errors import InvalidInput
from shared.job_settings.benchmark import BenchmarkSettings
from shared.job_settings.fields import Share, StepSettings
from shared.job_settings.generating import AnswerSettings, DescribeSettings, EvaluateSettings, SynthesiseSettings
from shared.job_settings.selecting import SelectAnswersSettings, SelectConceptsSettings
from shared.job_settings.training import TrainSettings
from shared.types.domain import AsksFor, Domain

Method = Literal["default", "paper"]


class JobSettings(StepSettings):
    noun: str = Field("object", min_length=1, max_length=60, description="what the images show, for the questions")
    asks_for: AsksFor = Field("kind", description="whether questions ask for the kind of thing or its condition")
    questions: Literal["generic", "domain"] = Field(
        "domain", description="domain: where the noun has questions of its own, they come beside the generic ones"
    )
    examples_per_part: int = Field(32, ge=1, le=10_000)
    shards: int = Field(1, ge=1, le=1000)
    min_pair_share: Share = Field(0.2, description="share of questions that must end in a pair, else the job fails")
    failed_share: Share = Field(
        0.02, description="share of a generation step's requests that may fail for good, else the step fails"
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        le=20,
        description="rounds without a better validation accuracy after which the job ends; None: all rounds are done",
    )
    engine_sleeps: bool = Field(
        False, description="the engine gives its GPU memory free while this job trains: for one GPU that both share"
    )
    describe: DescribeSettings = DescribeSettings()
    select_concepts: SelectConceptsSettings = SelectConceptsSettings()
    synthesise: SynthesiseSettings = SynthesiseSettings()
    answer: AnswerSettings = AnswerSettings()
    select_answers: SelectAnswersSettings = SelectAnswersSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    benchmark: BenchmarkSettings | None = Field(
        None,
        description="`{tasks: [NAME], rounds: [4], limit: 200}`: lmms-eval runs these tasks with the base and after "
        "the rounds named (left out: each), on so many examples of each (left out: all); the change is told",
    )


PAPER: dict[str, Any] = {
    "select_concepts": {"evidence": "description", "threshold_std": 0.4, "negatives": "other_images"},
    "synthesise": {"told_order": "score", "resamples": 0, "reject_repetition": False, "max_fallback_share": 1.0},
    "answer": {"rationalise": 0},
    "select_answers": {
        "label_first": False,
        "negatives": "all_concepts",
        "reject_repetition": False,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "train": {"start_from": "merged"},
}
PRESETS: dict[str, dict[str, Any]] = {"default": {}, "paper": PAPER}


def resolve(method: str, overrides: dict[str, Any], domain: Domain | None = None) -> JobSettings:
    """The job's settings: the method's preset, over it what the data set shows, over both `overrides`, field by field.

    Raises InvalidInput that lists every fault, each with its field's dotted name.
    """
    if method not in PRESETS:
        raise InvalidInput(f"method {method!r} is unknown", remedy=f"Use one of: {', '.join(sorted(PRESETS))}.")
    try:
        below = _overlay(PRESETS[method], _of_domain(domain) if domain else {})
        settings = JobSettings.model_validate(_overlay(below, overrides))
    except ValidationError as error:
        faults = "; ".join(f"settings.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(
            faults, remedy="Correct the named fields; docs/method.md lists them.", code="invalid_settings"
        ) from error
    return _with_augmentations(settings, domain or Domain())


def _with_augmentations(settings: JobSettings, domain: Domain) -> JobSettings:
    """With the names of those that the domain allows, so that a job keeps what it began with."""
    if settings.train.augment == "none" or settings.train.augmentations:
        return settings
    allowed = domain.renamed(settings.noun).augmentations
    return settings.model_copy(update={"train": settings.train.model_copy(update={"augmentations": allowed})})


def _of_domain(domain: Domain) -> dict[str, Any]:
    return domain.model_dump(include={"noun", "asks_for"})


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _overlay(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
