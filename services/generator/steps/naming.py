"""How likely a model finds each class's name, for calibration. Asks; judges nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.prompts import QuestionKind
from services.generator.steps.questions import pools_of
from services.generator.steps.teacher import Sitting
from shared.artefacts import read_rows
from shared.bare_answer import bare_answer
from shared.seeds import derive
from shared.types.records import Example, Split
from shared.worker.context import StepContext


@dataclass(frozen=True)
class Naming:
    """Asks of the images in `images` how likely each class's name is: after the plainest question, in the sentence
    that names a class and says no more. The published tables know no such figure; it is for calibration."""

    question: str
    sentences: Sequence[str]
    images: frozenset[str]

    @classmethod
    def of(cls, context: StepContext, classes: Sequence[str], splits: Sequence[Split]) -> "Naming":
        """Nobody is asked about where the job does not want it."""
        job = context.settings
        question = pools_of(job)[QuestionKind.SIMPLE][0]
        sentences = [bare_answer(label, job.asks_for) for label in classes]
        return cls(question, sentences, _drawn_images(context, splits) if job.evaluate.probabilities else frozenset())

    async def log_likelihoods(self, sitting: Sitting) -> tuple[float, ...] | None:
        if sitting.example.id not in self.images:
            return None
        return await sitting.log_likelihoods(self.question, self.sentences)


def _drawn_images(context: StepContext, splits: Sequence[Split]) -> frozenset[str]:
    """Of all shards' images, `probability_images` a split: the same in every round."""
    most, seed = context.settings.evaluate.probability_images, context.task.seed
    rows = [(row.split, row.id) for row in read_rows(context.store, context.task.inputs["examples"], Example)]
    mixed = sorted(rows, key=lambda row: derive(seed, "probabilities", row[1]))
    return frozenset(id_ for split in splits for _, id_ in [row for row in mixed if row[0] == split][:most])
