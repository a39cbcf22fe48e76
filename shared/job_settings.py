"""What a job may choose, with its defaults and the published method's choices (method.md, "Reference defaults"). Pure.

`resolve` is the one way from a request's `method` and `settings` to a `JobSettings`; it reports all faults at once.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.benchmark_settings import BenchmarkSettings
from shared.errors import InvalidInput
from shared.explanation_settings import FaithfulnessSettings, JudgeSettings
from shared.types.domain import AsksFor, Augmentations, Domain

Share = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=0, le=5)]
TopP = Annotated[float, Field(gt=0, le=1)]
Tokens = Annotated[int, Field(ge=1, le=4096)]
Method = Literal["default", "paper"]
Fallback = Literal["drop", "label_only"]
Weight = Annotated[float, Field(ge=-1000, le=1000)]
Parallel = Literal["ddp", "zero2", "zero3"]


class StepSettings(BaseModel):
    # JSON, as the database keeps it, knows no infinity.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DescribeSettings(StepSettings):
    instructions: int = Field(3, ge=1, le=3, description="how many of the domain's instructions are used")
    samples: int = Field(10, ge=1, le=64, description="descriptions an image and instruction")
    temperature: Temperature = 1.0
    top_p: TopP = 1.0
    max_tokens: Tokens = 256


class SelectConceptsSettings(StepSettings):
    tau: float = Field(0.1, gt=0)
    threshold_std: float = Field(0.4, ge=-10, le=10, description="keep s(z) > mean + threshold_std * std")
    at_least: int = Field(3, ge=1)
    negatives: Literal["other_classes", "other_images"] = "other_classes"
    evidence: Literal["description", "clause"] = Field(
        "description", description="clause: cosine of each description's best clause, without tau and negatives"
    )
    doubt_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="training images are left out as perhaps labelled wrongly when their descriptions fit the concepts "
        "of at least this share of the other classes better than those of their own; needs evidence clause. None: no "
        "image is",
    )

    @model_validator(mode="after")
    def _doubts_need_clauses(self) -> "SelectConceptsSettings":
        if self.doubt_share is not None and self.evidence != "clause":
            raise ValueError("doubt_share needs evidence: clause, by which all classes' concepts can be compared")
        return self


class QuestionMix(StepSettings):
    """Shares of question kinds; they are normalised to sum 1."""

    explain: Share = 0.19
    simple: Share = 0.40
    step_by_step: Share = 0.41

    @model_validator(mode="after")
    def _some(self) -> "QuestionMix":
        if self.explain + self.simple + self.step_by_step <= 0:
            raise ValueError("at least one kind of question needs a share above 0")
        return self


class SynthesiseSettings(StepSettings):
    questions: int = Field(8, ge=1, le=100)
    told_order: Literal["bank", "score", "shuffled"] = Field(
        "bank",
        description="order in which chosen concepts are told; one fixed order a class keeps answers from repeating",
    )
    most_concepts: int | None = Field(None, ge=1, description="tell only the best-scored ones; None: all chosen")
    mix: QuestionMix = QuestionMix()
    temperature: Temperature = 0.3
    top_p: TopP = 1.0
    max_tokens: Tokens = 128
    resamples: int = Field(
        3, ge=0, le=20, description="tries more when an answer is cut off, repeats or lacks the label"
    )
    resample_temperature: Temperature = 0.7
    reject_repetition: bool = True
    fallback: Fallback = "drop"


class AnswerSettings(StepSettings):
    questions: int = Field(8, ge=1, le=100)
    samples: int = Field(3, ge=1, le=64)
    mix: QuestionMix = QuestionMix(explain=0.5, simple=0.0, step_by_step=0.5)
    temperature: Temperature = 0.7
    top_p: TopP = 0.6
    max_tokens: Tokens = 196
    distinct: int = Field(
        1, ge=1, le=64, description="ask on, one by one and hotter, until so many candidates of a question differ"
    )
    distinct_tries: int = Field(3, ge=1, le=20, description="candidates more at most, for the sake of `distinct`")
    rationalise: int = Field(
        3, ge=0, le=20, description="when no candidate is fit to keep, ask the teacher again with label and concepts"
    )


class SelectAnswersSettings(StepSettings):
    tau: float = Field(0.1, gt=0)
    label_first: bool = Field(True, description="choose among the candidates that name the label")
    negatives: Literal["other_classes", "all_concepts"] = "other_classes"
    reject_repetition: bool = True
    fallback: Fallback = "drop"
    max_fallback_share: Share = Field(0.2, description="fallback pairs above this share of all pairs are dropped")
    suspect_share: float | None = Field(
        0.5,
        gt=0,
        le=1,
        description="training images are told as perhaps labelled wrongly when so large a share of the model's own "
        "answers agrees on another class; None: not looked for. Nothing is left out for it",
    )
    length_weight: Weight = Field(0.0, description="adds length_weight * ln(1 + words) to an answer's score")
    contrast_weight: Weight = Field(
        0.0,
        description="adds contrast_weight times how much likelier the image makes the answer than its mean colour "
        "does, in nats a token; other than 0 it costs the answer step 2 + 2 short requests a question and candidate",
    )
    margin_weight: Weight = Field(
        0.0,
        description="adds margin_weight times how much nearer (in cosines over tau) the answer is to its class's "
        "concepts than to those of the nearest other class",
    )


class EarlyStoppingSettings(StepSettings):
    """The pairs of some images are held out; every `train.checkpoint_every` steps the loss is looked at on them."""

    patience: int = Field(3, ge=1, le=1000)
    share: float = Field(0.05, gt=0, le=0.5)


class InstructionSettings(StepSettings):
    """General instruction data that is mixed into each round's training."""

    dataset: str = Field(min_length=1, max_length=200)
    ratio: float = Field(1.0, gt=0, le=1)


class TrainSettings(StepSettings):
    lora_rank: int = Field(128, ge=1, le=1024)
    lora_alpha: int = Field(256, ge=1)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    projector: Literal["lora", "frozen"] = "lora"
    learning_rate: float = Field(1e-5, gt=0, le=1)
    round_decay: float = Field(
        1.0, gt=0, le=1, description="the learning rate of round n is learning_rate * round_decay^(n - 1)"
    )
    warmup_ratio: Share = 0.05
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: float = Field(0.0, ge=0)
    adam_beta2: float = Field(0.999, gt=0, lt=1, description="lower forgets old gradients sooner: for short trainings")
    label_weight: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="how many times as much a token of the label counts in the loss as another one of its answer: long "
        "explanations drown the label. A pair's own share of the loss stays as it is",
    )
    epochs: float = Field(2, gt=0, le=100)
    batch_size: int = Field(32, ge=1, description="QA pairs an optimiser step")
    micro_batch_size: int | None = Field(
        None, ge=1, description="QA pairs a forward pass; None: the batch size. Packed, about so many"
    )
    packing: Literal["auto", "off"] = Field(
        "auto", description="auto: an image's pairs share one sequence where the model can: same loss, fewer tokens"
    )
    pack_length: int = Field(4096, ge=16, description="tokens of a packed sequence at most; longer ones are split")
    max_length: int = Field(2048, ge=16, description="tokens, image tokens included")
    precision: Literal["bf16", "float32"] = "bf16"
    base_precision: Literal["full", "4bit"] = Field(
        "full",
        description="4bit: the language model's frozen layers are kept in 4 bits (QLoRA), which needs a CUDA device",
    )
    gradient_checkpointing: bool = True
    parallel: Parallel = Field(
        "ddp",
        description="what the processes of a training share out between them: ddp nothing, zero2 optimiser state and "
        "gradients, zero3 the weights too, for models that no device holds whole (DeepSpeed)",
    )
    checkpoint_every: int = Field(50, ge=1, description="optimiser steps between checkpoints")
    early_stopping: EarlyStoppingSettings | None = Field(
        None,
        description="`{patience: 3, share: 0.05}`: a share of the images' pairs is held out; training ends when their "
        "loss, looked at with every checkpoint, was no better `patience` times, and the best weights are delivered",
    )
    augment: Literal["none", "domain"] = Field(
        "none",
        description="domain: training images are changed a little, anew each epoch, in ways that leave the labels of "
        "the data set's domain true (docs/datasets.md)",
    )
    augmentations: Augmentations = Field(
        (),
        description="instead of the domain's: a list of flip_horizontal, flip_vertical, rotation, colour_jitter, "
        "affine, blur, perspective",
    )
    instruction_data: InstructionSettings | None = Field(
        None,
        description="`{dataset: ID, ratio: 1.0}`: for each own QA pair so many of a data set of general instructions "
        "are trained on too, drawn anew each round (docs/datasets.md)",
    )
    start_from: Literal["previous", "base", "merged"] = Field(
        "previous",
        description="what a later round trains on: the previous round's LoRA, the base with a new one, or the base "
        "with the earlier rounds merged in and a new one; then the served adapter is both, of rank lora_rank * round",
    )

    @model_validator(mode="after")
    def _four_bits_go_with_the_rest(self) -> "TrainSettings":
        if self.start_from == "merged" and self.base_precision == "4bit":
            raise ValueError("rounds cannot be merged into a base of 4 bits: change start_from or base_precision")
        if self.start_from == "merged" and self.parallel == "zero3":
            raise ValueError("rounds cannot be merged into weights shared out by zero3: change start_from or parallel")
        if self.parallel == "zero3" and self.base_precision == "4bit":
            raise ValueError("weights of 4 bits cannot be shared out by zero3: change parallel or base_precision")
        return self

    def served_rank(self, rounds: int) -> int:
        """The rank of the last round's adapter."""
        return self.lora_rank * rounds if self.start_from == "merged" else self.lora_rank

    def of_round(self, round_: int) -> "TrainSettings":
        """These settings with the learning rate that holds in the round: later rounds may only refine."""
        refined = 0 if self.start_from == "base" else round_ - 1
        rate = self.learning_rate * self.round_decay**refined
        return self.model_copy(update={"learning_rate": rate})


class EvaluateSettings(StepSettings):
    max_tokens: Tokens = 256
    kind: Literal["explain", "simple", "step_by_step"] = "explain"
    probabilities: bool = Field(
        False, description="also ask how likely each class is, for calibration: a request an image and class"
    )
    probability_images: int = Field(200, ge=1, description="images a split of which this is asked, each round the same")
    consistency: bool = Field(
        False,
        description="also ask which class the explanation alone leads to, without image and label: a request an image",
    )
    fluency: bool = Field(
        False, description="also ask how likely the base model finds the answer's words: two requests an image"
    )
    explanation_images: int = Field(
        200, ge=1, description="test images of which these two are asked, each round the same"
    )
    faithfulness: FaithfulnessSettings | None = Field(
        None,
        description="`{images: 50, grid: 4}`: images are covered cell by cell, to see whether the answer hangs on what "
        "it cites: 4 + 2 * grid^2 requests an image",
    )
    judge: JudgeSettings | None = Field(
        None,
        description="`{model: NAME, secret: NAME}`, or `base_url`: an OpenAI-compatible endpoint judges the "
        "explanations of `examples` test images (50) a round",
    )


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
    "select_concepts": {"negatives": "other_images"},
    "synthesise": {"told_order": "score", "resamples": 0, "reject_repetition": False},
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
