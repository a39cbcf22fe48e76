"""Checks answers and makes them rows of the ledger. Pure: asks nobody, stores nothing."""

from dataclasses import dataclass

from services.generator.chat import Reply
from services.generator.steps.questions import Question
from shared.scoring.labels import LabelScorer
from shared.scoring.repetition import repeats
from shared.types.domain import AsksFor
from shared.types.records import Candidate, CandidateSource, Example


@dataclass(frozen=True)
class AnswerCheck:
    """What makes an answer fit to be learnt: whole, naming the one right label, and not repeating itself."""

    scorer: LabelScorer
    reject_repetition: bool

    def fault(self, reply: Reply, label: str) -> str:
        """The reason code against the answer, or "" when it is fit."""
        if reply.finish_reason != "stop":
            return "cut_off"
        if (named := self.scorer.decide(reply.text)) != label:
            return "several_labels" if named == "several" else "no_label"
        return "repeats" if self.reject_repetition and repeats(reply.text, label) else ""


def ledger_row(
    example: Example,
    question: Question,
    sample: int,
    source: CandidateSource,
    reply: Reply,
    *,
    kept: bool = False,
    reason: str = "",
) -> Candidate:
    """The row holds the plain question, never the prompt that told label and concepts."""
    return Candidate(
        example_id=example.id,
        question_id=question.id,
        kind=question.kind.value,
        question=question.text,
        sample=sample,
        source=source,
        text=reply.text,
        finish_reason=reply.finish_reason,
        score=None,
        kept=kept,
        reason=reason,
    )


def label_only(label: str, asks_for: AsksFor = "kind") -> Reply:
    """The fallback: an answer that names the label and explains nothing."""
    if asks_for == "condition":
        return Reply(text=f"This shows {label}.", finish_reason="stop")
    article = "an" if label[:1].lower() in "aeiou" else "a"
    return Reply(text=f"This is {article} {label}.", finish_reason="stop")
