"""synthesise: QA pairs of round 1. The model is told label and visible concepts, and its answer is checked.

Every try is a row of the ledger; the kept ones are the QA pairs, with the plain question.
"""

import asyncio
from collections.abc import Mapping, Sequence

from services.generator.chat import Engine, Reply
from services.generator.prompts import Pools
from services.generator.steps.candidates import ledger_row
from services.generator.steps.inputs import asked_examples, chosen_concepts, concept_bank
from services.generator.steps.parts import PartRun
from services.generator.steps.questions import Question, draw_questions, draw_simple, pools_of
from services.generator.steps.teacher import Sitting
from services.generator.steps.telling import Telling
from shared.artefacts import ManifestRef
from shared.bare_answer import bare_answer
from shared.errors import TooFewPairs
from shared.job_settings import JobSettings
from shared.scoring import fallbacks
from shared.scoring.fitness import AnswerCheck
from shared.scoring.ledger import pair_figures
from shared.seeds import derive
from shared.types.records import Candidate
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext


def run(context: StepContext, engine: Engine) -> ManifestRef:
    """Raises TooFewPairs when fewer than `min_pair_share` of the shard's questions ended in a pair that counts."""
    job = context.settings
    settings, pools = job.synthesise, pools_of(job)
    examples = asked_examples(context)
    bank = concept_bank(context)
    check = AnswerCheck(label_scorer(context, bank.concepts), settings.reject_repetition)
    telling = Telling(settings, job.noun, job.asks_for, chosen_concepts(context), bank, check)

    async def rows_of(sitting: Sitting) -> Sequence[Candidate]:
        seed = sitting.seed("questions")
        drawn = draw_questions(settings.mix, settings.questions, pools, seed)
        ledgers = await asyncio.gather(*(_pair(sitting, question, telling, pools) for question in drawn))
        return [row for ledger in ledgers for row in ledger]

    def capped(rows: Sequence[Candidate]) -> Sequence[Candidate]:
        """Who lacks a pair is known only when all are asked, and parts are kept long before: the cap holds in each."""
        seed = derive(context.task.seed, context.task.round, context.task.step)
        return fallbacks.cap(rows, settings.max_fallback_share, seed)

    parts = PartRun(context, Candidate, examples, rows_of, settled=capped)
    parts.complete(engine)
    figures = pair_figures(parts.writer.read(), {example.id: example.label for example in examples})
    require_pairs(figures, job)
    return parts.writer.finish(parts.part_count, figures)


async def _pair(sitting: Sitting, question: Question, telling: Telling, pools: Pools) -> list[Candidate]:
    settings, example = telling.settings, sitting.example
    tried = await telling.until_fit(sitting, question, settings.resamples + 1, settings.max_tokens)
    rows = [
        ledger_row(example, question, k, "synthesised", reply, kept=not fault, reason=fault or "best")
        for k, (reply, fault) in enumerate(tried)
    ]
    if not rows[-1].kept and settings.fallback == "label_only":
        seed = sitting.seed(question.id, "fallback")
        simple = draw_simple(question, pools, seed)
        bare = Reply(text=bare_answer(example.label, telling.asks_for), finish_reason="stop")
        rows.append(ledger_row(example, simple, len(rows), "fallback", bare, kept=True, reason="fallback"))
    return rows


def require_pairs(figures: Mapping[str, float], settings: JobSettings) -> None:
    """Raises TooFewPairs, with the counts, when too few questions ended in a pair that counts."""
    questions, min_share = int(figures["questions"]), settings.min_pair_share
    pairs = fallbacks.pairs_that_count(figures, settings.synthesise.max_fallback_share)
    if questions and pairs < min_share * questions:
        raise TooFewPairs(
            f"only {pairs} of {questions} questions ended in a QA pair; at least {min_share:.0%} must: the model "
            "seldom names the label even when it is told",
            remedy="Use a model that knows the domain, raise settings.synthesise.resamples, set "
            "settings.synthesise.fallback to label_only and max_fallback_share to 1, or lower settings.min_pair_share.",
        )
