"""evaluate: the student's greedy answer to one question about every held-out image. Tells the model no label."""

from collections.abc import Callable, Iterable, Sequence

from services.generator.chat import Engine, Reply, Sampling
from services.generator.judging.verdicts import Judges
from services.generator.prompts import QuestionKind
from services.generator.steps.explanations import explanation_counts
from services.generator.steps.further import FurtherQuestions
from services.generator.steps.inputs import concept_bank, shard_examples
from services.generator.steps.naming import Naming
from services.generator.steps.parts import PartRun
from services.generator.steps.questions import pools_of
from services.generator.steps.teacher import Sitting
from shared.artefacts import ManifestRef
from shared.scoring.citing import Citing
from shared.scoring.labels import LabelScorer, contains_label
from shared.scoring.repetition import repeats
from shared.types.records import Example, Prediction, Split
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext

_HELD_OUT: tuple[Split, ...] = ("validation", "test")
_SIGNS: dict[str, Callable[[Prediction], bool]] = {
    "correct": lambda row: row.correct,
    "contains_label": lambda row: row.contains_label,
    "none": lambda row: row.predicted == "none",
    "several": lambda row: row.predicted == "several",
    "repeats": lambda row: row.repeats,
    "cut_off": lambda row: row.finish_reason == "length",
}


def run(context: StepContext, engine: Engine, judges: Judges | None = None) -> ManifestRef:
    """The question is the same for all images and rounds: the first of its kind's pool."""
    settings = context.settings.evaluate
    question = pools_of(context.settings)[QuestionKind(settings.kind)][0]
    bank = concept_bank(context).concepts
    classes, citing = sorted(bank), Citing(concept for concepts in bank.values() for concept in concepts)
    scorer = label_scorer(context, classes)
    naming = Naming.of(context, classes, _HELD_OUT)
    further = FurtherQuestions.of(context, scorer, citing)
    greedy = Sampling(n=1, temperature=0.0, top_p=1.0, max_tokens=settings.max_tokens)

    async def rows_of(sitting: Sitting) -> Sequence[Prediction]:
        [reply] = await sitting.ask(question, greedy)
        row = prediction(sitting.example, question, reply, scorer)
        row = await further.answered(sitting, row)
        return [row.model_copy(update={"log_likelihoods": await naming.log_likelihoods(sitting)})]

    parts = PartRun(context, Prediction, shard_examples(context, _HELD_OUT), rows_of)
    parts.complete(engine)
    rows = list(parts.writer.read())
    counts, verdicts = explanation_counts(context, rows, citing, bank, judges or Judges())
    extra = {"classes": classes} if settings.probabilities else {}
    return parts.writer.finish(parts.part_count, figures(rows) | counts, extra | verdicts)


def prediction(example: Example, question: str, reply: Reply, scorer: LabelScorer) -> Prediction:
    predicted = scorer.decide(reply.text)
    return Prediction(
        example_id=example.id,
        split=example.split,
        label=example.label,
        question=question,
        answer=reply.text,
        finish_reason=reply.finish_reason,
        predicted=predicted,
        correct=predicted == example.label,
        contains_label=contains_label(reply.text, example.label),
        repeats=repeats(reply.text, example.label),
        failure=reply.failure,
    )


def figures(rows: Iterable[Prediction]) -> dict[str, float]:
    """Counts by split: all answers, and those that are correct, contain the label, name none or several labels, repeat
    themselves, or were cut off; beside them the questions that the engine never answered, which say nothing of the
    model, and the requests for class probabilities, if there were any."""
    counts = {f"{split}_{name}": 0.0 for split in _HELD_OUT for name in ("total", "failed", *_SIGNS)}
    for row in rows:
        if row.log_likelihoods:
            counts["probability_requests"] = counts.get("probability_requests", 0.0) + len(row.log_likelihoods)
        if row.finish_reason == "failed":
            counts[f"{row.split}_failed"] += 1
            continue
        counts[f"{row.split}_total"] += 1
        for name, holds in _SIGNS.items():
            counts[f"{row.split}_{name}"] += holds(row)
    return counts
