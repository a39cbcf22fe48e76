"""Rejection sampling: of a question's scored candidates at most one is kept, and each gets a reason. Pure.

Ours looks for the right label first and then for the best score, the published method the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.job_settings import SelectAnswersSettings
from shared.scoring.fitness import AnswerCheck
from shared.scoring.labels import LabelScorer, contains_label
from shared.types.records import Candidate


@dataclass(frozen=True)
class Judge:
    """Judges by `settings`; a cut-off answer is never kept, whatever they say."""

    scorer: LabelScorer
    settings: SelectAnswersSettings

    def fault(self, candidate: Candidate, label: str) -> str:
        """The reason code against the candidate, or "" when it is fit to keep."""
        check = AnswerCheck(self.scorer, self.settings.reject_repetition, self.settings.label_first)
        return check.fault(candidate, label)

    def judged(self, candidates: Sequence[Candidate], label: str) -> list[Candidate]:
        """All candidates of one question, in their order, with `kept` and `reason`; they have scores.

        Rationalised answers were told the label, so they are asked only where no answer of the model's own is kept.
        """
        reasons = [self.fault(candidate, label) for candidate in candidates]
        for told in (False, True):
            pool = [k for k, row in enumerate(candidates) if not reasons[k] and (row.source == "rationalised") == told]
            if not pool:
                continue
            best = max(pool, key=lambda k: (_score(candidates[k]), -k))
            if self.settings.label_first or contains_label(candidates[best].text, label):
                reasons[best] = "best"
                break
            reasons[best] = "no_label"
        return [
            row.model_copy(update={"kept": reason == "best", "reason": reason or "lower_score"})
            for row, reason in zip(candidates, reasons, strict=True)
        ]

    def keeps_one(self, candidates: Sequence[Candidate], label: str) -> bool:
        """Whether a candidate will be kept; needs no scores. Only where the label comes first."""
        return any(not self.fault(candidate, label) for candidate in candidates)


def _score(candidate: Candidate) -> float:
    assert candidate.score is not None
    return candidate.score
