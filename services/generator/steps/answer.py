"""answer: from round 2 on, several candidate answers a question from the teacher, which is told only the question.

Where no candidate is fit the teacher is asked again with label and concepts (rationalisation). Selection comes later,
in another step: here every row is left undecided.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from services.generator.chat import Engine, Reply, Sampling
from services.generator.prompts import Pools
from services.generator.steps.candidates import ledger_row
from services.generator.steps.contrast import contrasts, hidden
from services.generator.steps.inputs import asked_examples, chosen_concepts, concept_bank
from services.generator.steps.parts import PartRun
from services.generator.steps.questions import Question, draw_questions, pools_of
from services.generator.steps.teacher import Sitting
from services.generator.steps.telling import Telling
from shared.artefacts import ManifestRef
from shared.job_settings import AnswerSettings
from shared.scoring.fitness import AnswerCheck
from shared.types.records import Candidate
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext

_HOTTER = 0.2  # with each try


def run(context: StepContext, engine: Engine) -> ManifestRef:
    settings = context.settings
    bank = concept_bank(context)
    check = AnswerCheck(label_scorer(context, bank.concepts), settings.select_answers.reject_repetition)
    telling = Telling(settings.synthesise, settings.noun, settings.asks_for, chosen_concepts(context), bank, check)
    answering = _Answering(
        settings.answer, telling, pools_of(settings), contrast=settings.select_answers.contrast_weight != 0
    )
    parts = PartRun(context, Candidate, asked_examples(context), answering.rows_of)
    parts.complete(engine)
    return parts.writer.finish(parts.part_count, figures(parts.writer.read()))


@dataclass(frozen=True)
class _Answering:
    settings: AnswerSettings
    telling: Telling
    pools: Pools
    contrast: bool

    async def rows_of(self, sitting: Sitting) -> Sequence[Candidate]:
        drawn = draw_questions(self.settings.mix, self.settings.questions, self.pools, seed=sitting.seed("questions"))
        blind = await asyncio.to_thread(hidden, sitting.image) if self.contrast else None
        ledgers = await asyncio.gather(*(self._candidates(sitting, question, blind) for question in drawn))
        return [row for ledger in ledgers for row in ledger]

    async def _candidates(self, sitting: Sitting, question: Question, blind: str | None) -> list[Candidate]:
        settings, example = self.settings, sitting.example
        replies = await self._replies(sitting, question)
        rows = [ledger_row(example, question, k, "answer", reply) for k, reply in enumerate(replies)]
        if blind is not None:
            found = await contrasts(sitting, question.text, [reply.text for reply in replies], blind)
            rows = [row.model_copy(update={"contrast": found.get(row.text)}) for row in rows]
        if all(self.telling.check.fault(reply, example.label) for reply in replies):
            told = await self.telling.until_fit(sitting, question, settings.rationalise, settings.max_tokens)
            rows += [
                ledger_row(example, question, len(replies) + k, "rationalised", reply)
                for k, (reply, _) in enumerate(told)
            ]
        return rows

    async def _replies(self, sitting: Sitting, question: Question) -> list[Reply]:
        """The samples, and where they are too much alike more of them, each hotter than the last."""
        settings = self.settings
        sampling = Sampling(settings.samples, settings.temperature, settings.top_p, settings.max_tokens)
        replies = list(await sitting.ask(question.text, sampling, question.id))
        for number in range(settings.distinct_tries):
            if len({reply.text for reply in replies}) >= settings.distinct or replies[-1].finish_reason == "failed":
                break
            hotter = replace(sampling, n=1, temperature=settings.temperature + _HOTTER * (number + 1))
            replies += await sitting.ask(question.text, hotter, question.id, "more", number)
        return replies


def figures(rows: Iterable[Candidate]) -> dict[str, float]:
    """How many questions were asked, candidates came, questions needed label and concepts to be told, and candidates
    the engine never gave. An example's rows stand together."""
    counts = dict.fromkeys(("questions", "candidates", "rationalised", "failed"), 0.0)
    for _, group in groupby(rows, key=lambda row: row.example_id):
        questions: set[int] = set()
        told: set[int] = set()
        for row in group:
            counts["failed" if row.finish_reason == "failed" else "candidates"] += 1
            questions.add(row.question_id)
            if row.source == "rationalised":
                told.add(row.question_id)
        counts["questions"] += len(questions)
        counts["rationalised"] += len(told)
    return counts
