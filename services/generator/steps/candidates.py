"""Makes answers rows of the ledger. Pure: asks nobody, stores nothing."""

from services.generator.chat import Reply
from services.generator.steps.questions import Question
from shared.types.records import Candidate, CandidateSource, Example


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
        failure=reply.failure,
    )
