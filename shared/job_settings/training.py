"""What a job may choose about training. Pure."""

from typing import Literal

from pydantic import Field, model_validator

from shared.job_settings.fields import Share, StepSettings
from shared.types.domain import Augmentations

Parallel = Literal["ddp", "zero2", "zero3"]


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
