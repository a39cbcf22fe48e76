"""Rows of artefacts. One class a kind of row; ids are real ids, never list positions."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Split = Literal["train", "validation", "test"]
# `failed`: the engine gave no answer, however often it was asked; the row's `failure` says why.
FinishReason = Literal["stop", "length", "failed"]
AnswerOutcome = Literal["ok", "empty", "refused", "cut_off", "unreadable", "failed"]
CandidateSource = Literal["synthesised", "answer", "rationalised", "fallback"]


class Record(BaseModel):
    """A row. Fields may be str, int, float, bool, a Literal of str, these or None, or a tuple of str or float."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(Record):
    """An image and its true label. Examples of one `group` (a patient, say) belong in one split."""

    id: str
    image_key: str
    label: str
    split: Split
    width: int
    height: int
    sha256: str
    source: str
    group: str | None = None


class Description(Record):
    """Free text about one image. `instruction` indexes the domain's instructions, `sample` counts within it."""

    example_id: str
    instruction: int
    sample: int
    text: str
    finish_reason: FinishReason
    failure: str = ""


class ScoredConcept(Record):
    """One concept of the image's class with its score s(z), None where the image has no description; `chosen` says
    whether it is held visible in this image."""

    example_id: str
    concept: str
    score: float | None
    rank: int
    chosen: bool


class Candidate(Record):
    """One answer to a question about one image: a row of the ledger. Kept rows are the QA pairs.

    `score` is s(y) and what terms the job adds to it: what the choice was made by; None where nothing was scored.
    `contrast`, where the job looks for it, is what the picture adds to the answer's likelihood, in nats a token.
    `question_id` counts an example's questions; `reason` says why the row was kept or rejected (a short code such as
    `best`, `no_label`, `cut_off`, `repeats`, `lower_score`, `several_labels`, `failed`).
    """

    example_id: str
    question_id: int
    kind: str
    question: str
    sample: int
    source: CandidateSource
    text: str
    finish_reason: FinishReason
    score: float | None
    kept: bool
    reason: str
    failure: str = ""
    contrast: float | None = None


class SuspectLabel(Record):
    """A training image whose label may be wrong: `share` of the model's own `answers` about it name the class
    `instead`, `own_share` the label."""

    example_id: str
    label: str
    instead: str
    share: float
    own_share: float
    answers: int


class Instruction(Record):
    """A question and its answer out of general instruction data; many have no image."""

    id: str
    image_key: str | None
    question: str
    answer: str


class Prediction(Record):
    """A model's greedy answer about a held-out image. `predicted` is a label, `none` or `several`. `log_likelihoods`,
    where they were asked for, are those of a sentence that names each class, in the order of the manifest's classes.

    The others are None where they were not asked for: `alone`, what the explanation alone leads to ("": no answer);
    `answer_nats`, minus the log-likelihood that the base model gives the answer's `answer_tokens` (0: no answer);
    `hiding`, by how many nats the class becomes less likely when the cited region is hidden, and when others are (the
    mean; empty: no answer)."""

    example_id: str
    split: Split
    label: str
    question: str
    answer: str
    finish_reason: FinishReason
    predicted: str
    correct: bool
    contains_label: bool
    repeats: bool
    failure: str = ""
    log_likelihoods: tuple[float, ...] | None = None
    alone: str | None = None
    answer_nats: float | None = None
    answer_tokens: int | None = None
    hiding: tuple[float, ...] | None = None


class LossPoint(Record):
    """One optimiser step of training. `epoch` is fractional; `loss` is the mean over the batch's answer tokens,
    `grad_norm` is of before clipping; `tokens` counts the pairs' tokens, image tokens included. `validation_loss` is
    there where early stopping looked for it."""

    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float | None = None
    tokens: int | None = None
    validation_loss: float | None = None


class Proposal(Record):
    """One answer of a model that was asked for a class's concepts, as it wrote them. `example_id` is the image that it
    looked at, if any; `outcome` says what was wrong with an answer that names none, `detail` in its words."""

    label: str
    example_id: str | None
    concepts: tuple[str, ...]
    outcome: AnswerOutcome
    detail: str
    prompt_tokens: int
    completion_tokens: int


class CleanedConcept(Record):
    """One concept that somebody named for a class, in the bank or out of it. `wrote` is the wording before it was
    tidied; `images` counts the images in which it was seen; `reason` is empty when it was kept; `instead` is the kept
    concept that says the same."""

    label: str
    concept: str
    wrote: str
    source: str | None
    images: int | None
    kept: bool
    reason: str
    instead: str | None = None
