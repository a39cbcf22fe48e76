"""What else a job may want to know of an answer's explanation: the further questions that evaluation asks the engine.

Asks; what the answers are worth, `shared.scoring.explaining` knows.
"""

from asyncio import Semaphore
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.generator.chat import Sampling
from services.generator.likelihood import shared_tokens
from services.generator.prompts import QuestionKind
from services.generator.steps.hiding import NOTHING_SAID, Saying, cited_words, drops
from services.generator.steps.questions import pools_of
from services.generator.steps.teacher import Sitting
from shared.artefacts import read_rows
from shared.bare_answer import bare_answer
from shared.job_settings import JobSettings
from shared.scoring.citing import Citing
from shared.scoring.labels import NONE, SEVERAL, LabelScorer
from shared.seeds import derive
from shared.types.records import Example, Prediction
from shared.worker.context import StepContext

_ANSWER_TOKENS = 64
# An image is held in memory once a cell while it is covered.
_COVERED_AT_ONCE = 4


@dataclass(frozen=True)
class FurtherQuestions:
    """Asked about the test images in `asked` (explanation alone, fluency) and in `hidden` (faithfulness)."""

    settings: JobSettings
    plain: str
    scorer: LabelScorer
    citing: Citing
    asked: frozenset[str]
    hidden: frozenset[str]
    covering: Semaphore = field(default_factory=lambda: Semaphore(_COVERED_AT_ONCE))

    @classmethod
    def of(cls, context: StepContext, scorer: LabelScorer, citing: Citing) -> "FurtherQuestions":
        job, wanted = context.settings, context.settings.evaluate
        hiding = wanted.faithfulness.images if wanted.faithfulness else 0
        asking = wanted.explanation_images if wanted.consistency or wanted.fluency else 0
        draw = partial(drawn_test_images, context)
        plain = pools_of(job)[QuestionKind.SIMPLE][0]
        return cls(job, plain, scorer, citing, draw("explanations", asking), draw("faithfulness", hiding))

    async def answered(self, sitting: Sitting, row: Prediction) -> Prediction:
        """The row with what more was found; as it is where its own answer failed."""
        if row.finish_reason == "failed":
            return row
        found: dict[str, Any] = {}
        wanted, is_asked = self.settings.evaluate, row.example_id in self.asked
        names_one = row.predicted not in (NONE, SEVERAL)
        if wanted.consistency and is_asked and names_one:
            found["alone"] = await self._alone(sitting, row)
        if wanted.fluency and is_asked and row.answer:
            found["answer_nats"], found["answer_tokens"] = await _fluency(sitting, row)
        if wanted.faithfulness and row.example_id in self.hidden and names_one:
            found |= await self._hiding(sitting, row, wanted.faithfulness.grid)
        return row.model_copy(update=found)

    async def _alone(self, sitting: Sitting, row: Prediction) -> str:
        told = self.scorer.blanked(row.answer, f"this {self.settings.noun}")
        greedy = Sampling(n=1, temperature=0.0, top_p=1.0, max_tokens=_ANSWER_TOKENS)
        [reply] = await sitting.ask(f"{told}\n{self.plain}", greedy, "alone", sees=False)
        return "" if reply.finish_reason == "failed" else self.scorer.decide(reply.text)

    async def _hiding(self, sitting: Sitting, row: Prediction, grid: int) -> dict[str, Any]:
        """One of the cited concepts, drawn; nothing where none is cited."""
        citations = self.citing.citations(row.answer)
        if not citations:
            return {}
        cited = citations[sitting.seed("hiding") % len(citations)]
        sentence = bare_answer(row.predicted, self.settings.asks_for)
        named = Saying(self.plain, sentence, sentence.rindex(row.predicted))
        async with self.covering:
            found = await drops(sitting, cited_words(row.question, row.answer, cited), named, grid)
        return {"hiding": found or ()}


async def _fluency(sitting: Sitting, row: Prediction) -> tuple[float, int]:
    """Nats and tokens of the answer to its question, as the base model reads them without the image."""
    begun, read = (
        await sitting.read_by_base(row.question, NOTHING_SAID),
        await sitting.read_by_base(row.question, row.answer),
    )
    if not begun or not read:
        return 0.0, 0
    own = read[shared_tokens([begun, read]) :]
    return -sum(value for _, value in own), len(own)


def drawn_test_images(context: StepContext, purpose: str, most: int) -> frozenset[str]:
    """Ids of `most` test images of all shards, the same in every round."""
    if not most:
        return frozenset()
    rows: Sequence[Example] = list(read_rows(context.store, context.task.inputs["examples"], Example))
    ids = [row.id for row in rows if row.split == "test"]
    return frozenset(sorted(ids, key=lambda id_: derive(context.task.seed, purpose, id_))[:most])
