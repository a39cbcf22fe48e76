"""What a job may choose about the steps that ask the model: describe, synthesise, answer, evaluate. Pure."""

from typing import Literal

from pydantic import Field, model_validator

from shared.job_settings.explanation import FaithfulnessSettings, JudgeSettings
from shared.job_settings.fields import Fallback, FallbackShare, Share, StepSettings, Temperature, Tokens, TopP


class DescribeSettings(StepSettings):
    instructions: int = Field(3, ge=1, le=3, description="how many of the domain's instructions are used")
    samples: int = Field(10, ge=1, le=64, description="descriptions an image and instruction")
    temperature: Temperature = 1.0
    top_p: TopP = 1.0
    max_tokens: Tokens = 256


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
    max_fallback_share: FallbackShare = 0.2


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
