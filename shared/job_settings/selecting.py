"""What a job may choose about the selection of concepts and of answers. Pure."""

from typing import Literal

from pydantic import Field, model_validator

from shared.job_settings.fields import Fallback, FallbackShare, StepSettings, Weight


class SelectConceptsSettings(StepSettings):
    tau: float = Field(0.1, gt=0, description="temperature of s(z); only with evidence description")
    threshold_std: float = Field(
        -0.2,
        ge=-10,
        le=10,
        description="keep the concepts that score above mean + threshold_std * std of their class's",
    )
    at_least: int = Field(3, ge=1)
    negatives: Literal["other_classes", "other_images"] = Field(
        "other_classes", description="whose descriptions s(z) sets the image's against; only with evidence description"
    )
    evidence: Literal["description", "clause"] = Field(
        "clause",
        description="what a concept's score is: clause: cosine of each description's best clause, without tau and "
        "negatives; description: s(z) of whole descriptions",
    )
    doubt_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="training images are left out as perhaps labelled wrongly when their descriptions fit the concepts "
        "of at least this share of the other classes better than those of their own; needs evidence clause. None: no "
        "image is",
    )
    refresh: bool = Field(
        False,
        description="each later round begins with descriptions by the model that enters it, and concepts are chosen "
        "anew from them; costs describe and select_concepts once more a round",
    )

    @model_validator(mode="after")
    def _doubts_need_clauses(self) -> "SelectConceptsSettings":
        if self.doubt_share is not None and self.evidence != "clause":
            raise ValueError("doubt_share needs evidence: clause, by which all classes' concepts can be compared")
        return self


class SelectAnswersSettings(StepSettings):
    tau: float = Field(0.1, gt=0)
    label_first: bool = Field(True, description="choose among the candidates that name the label")
    negatives: Literal["other_classes", "all_concepts"] = "other_classes"
    reject_repetition: bool = True
    fallback: Fallback = "drop"
    max_fallback_share: FallbackShare = 0.2
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
