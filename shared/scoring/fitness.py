"""What makes an answer fit to be learnt, for the steps that ask and the one that selects alike. Pure."""

from dataclasses import dataclass
from typing import Protocol

from shared.scoring.labels import SEVERAL, LabelScorer
from shared.scoring.repetition import repeats
from shared.types.records import FinishReason


class Answer(Protocol):
    @property
    def text(self) -> str: ...

    @property
    def finish_reason(self) -> FinishReason: ...


@dataclass(frozen=True)
class AnswerCheck:
    """An answer is fit when it is whole, names the one right label (where `needs_label`) and does not repeat itself."""

    scorer: LabelScorer
    reject_repetition: bool
    needs_label: bool = True

    def fault(self, answer: Answer, label: str) -> str:
        """The reason code against the answer, or "" when it is fit."""
        if answer.finish_reason == "failed":
            return "failed"
        if answer.finish_reason != "stop":
            return "cut_off"
        if self.needs_label and (named := self.scorer.decide(answer.text)) != label:
            return "several_labels" if named == SEVERAL else "no_label"
        return "repeats" if self.reject_repetition and repeats(answer.text, label) else ""
