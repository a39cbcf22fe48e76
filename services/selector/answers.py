"""select_answers: the best fit candidate of each question becomes its QA pair; every candidate stays in the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.selector import inputs
from services.selector.encoder import Encoder, KnownEncoder
from services.selector.fallbacks import fallback
from services.selector.judging import Judge
from services.selector.parts import missing, write_missing
from services.selector.ranking import AnswerRanking
from services.selector.suspects import tell_suspects
from services.selector.terms import added, of_contrast
from shared.artefacts import ArtefactWriter, ManifestRef, pinned
from shared.errors import TooFewPairs
from shared.job_settings import JobSettings, SelectAnswersSettings
from shared.scoring import fallbacks
from shared.scoring.fallbacks import Question
from shared.scoring.ledger import pair_figures
from shared.seeds import derive
from shared.sharding import cut
from shared.types.domain import AsksFor
from shared.types.records import Candidate, Example
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext


def run(context: StepContext, encoder: KnownEncoder) -> ManifestRef:
    """Raises TooFewPairs when too few of the shard's questions end in a pair that counts."""
    settings = context.settings
    examples = inputs.own_share(context, inputs.train_examples(context))
    parts = cut(examples, settings.examples_per_part)
    about = {"encoder": encoder.facts.model_dump()}
    writer = ArtefactWriter(context.store, pinned(context.task, **about), Candidate)
    if todo := missing(writer, parts):
        selection = _selection(context, examples, todo, encoder)
        write_missing(context, writer, parts, selection.rows_of)
    counts = pair_figures(writer.read(), {example.id: example.label for example in examples})
    require_pairs(counts, settings)
    figures, extra = tell_suspects(context, writer.read(), examples)
    return writer.finish(len(parts), counts | figures, about | extra)


def _selection(
    context: StepContext, examples: Sequence[Example], todo: Sequence[Example], encoder: Encoder
) -> "Selection":
    """For the examples `todo`. Who may have a fallback is a matter of all examples of the shard."""
    settings = context.settings.select_answers
    bank = inputs.concept_bank(context, (example.label for example in examples))
    seed = derive(context.task.seed, context.task.round, context.task.step)
    judge = Judge(label_scorer(context, bank.concepts), settings)
    return Selection(
        noun=context.settings.noun,
        asks_for=context.settings.asks_for,
        judge=judge,
        ranking=AnswerRanking(bank, encoder, settings.tau, settings.negatives),
        encoder=encoder,
        candidates=inputs.Candidates(context, todo),
        concepts=inputs.chosen_concepts(context, todo),
        seed=seed,
        fallbacks=_fallbacks(context, examples, judge, seed) if settings.label_first else None,
    )


@dataclass(frozen=True)
class Selection:
    """All that a part's decisions need. `fallbacks` are the questions that may have one. None: the score comes before
    the label, so that who lacks a pair is known only with the part's scores, and the cap holds in each part."""

    noun: str
    asks_for: AsksFor
    judge: Judge
    ranking: AnswerRanking
    encoder: Encoder
    candidates: inputs.Candidates
    concepts: Mapping[str, Sequence[str]]
    seed: int
    fallbacks: frozenset[Question] | None

    def rows_of(self, part: Sequence[Example]) -> list[Candidate]:
        """The ledger of the part's examples: every candidate, then the question's fallback where it has one. Asked for
        one part after the other."""
        labels = {example.id: example.label for example in part}
        judged = [
            self.judge.judged(rows, example.label)
            for example, scored in zip(part, self._scored(part), strict=True)
            for rows in by_question(scored)
        ]
        if self.judge.settings.fallback == "drop":
            return [row for rows in judged for row in rows]
        rows = [row for rows in judged for row in (*rows, *self._fallback_of(rows, labels[rows[0].example_id]))]
        if self.fallbacks is not None:
            return fallbacks.within(rows, self.fallbacks)
        return fallbacks.cap(rows, self.judge.settings.max_fallback_share, self.seed)

    def _scored(self, part: Sequence[Example]) -> Iterator[list[Candidate]]:
        """Each example's candidates with their scores; the part's texts are embedded together."""
        candidates = self.candidates.of(part)
        texts = [row.text for example in part for row in candidates[example.id]]
        embedded_ye = self.encoder.encode(texts)
        start = 0
        for example in part:
            rows = candidates[example.id]
            own_ye = embedded_ye[start : start + len(rows)]
            start += len(rows)
            scores_y = self.ranking.scores_of_embedded(own_ye, example.label, self.concepts[example.id])
            answers = [row.text for row in rows]
            scores_y = scores_y + added(self.judge.settings, self.ranking, answers, own_ye, example.label)
            scores_y = scores_y + of_contrast(self.judge.settings, rows, scores_y)
            yield [row.model_copy(update={"score": float(s)}) for row, s in zip(rows, scores_y, strict=True)]

    def _fallback_of(self, rows: Sequence[Candidate], label: str) -> list[Candidate]:
        """The row that stands in for a question without a pair."""
        if any(row.kept for row in rows):
            return []
        seed = derive(self.seed, "simple", *_question(rows))
        return [fallback(rows[-1], label, self.noun, seed, self.asks_for)]


def _fallbacks(context: StepContext, examples: Sequence[Example], judge: Judge, seed: int) -> frozenset[Question]:
    """The shard's questions that may have a fallback. Label first: who lacks a pair is known without any score, so the
    cap is over the whole shard and the parts stay independent of each other."""
    settings: SelectAnswersSettings = judge.settings
    if settings.fallback == "drop":
        return frozenset()
    lacking, pair_count = [], 0
    candidates = inputs.Candidates(context, examples)
    for part in cut(examples, context.settings.examples_per_part):
        found = candidates.of(part)
        for example in part:
            for rows in by_question(found[example.id]):
                if judge.keeps_one(rows, example.label):
                    pair_count += 1
                else:
                    lacking.append(_question(rows))
    return fallbacks.allowed(lacking, pair_count, settings.max_fallback_share, seed)


def by_question(rows: Iterable[Candidate]) -> list[list[Candidate]]:
    ordered = sorted(rows, key=lambda row: (row.question_id, row.sample))
    return [list(group) for _, group in groupby(ordered, key=lambda row: row.question_id)]


def _question(rows: Sequence[Candidate]) -> Question:
    return rows[0].example_id, rows[0].question_id


def require_pairs(counts: Mapping[str, float], settings: JobSettings) -> None:
    """Raises TooFewPairs, with the counts, when there is nothing, or too little, to train on."""
    questions = int(counts["questions"])
    pairs = fallbacks.pairs_that_count(counts, settings.select_answers.max_fallback_share)
    share = settings.min_pair_share
    if not questions or (pairs > 0 and pairs >= share * questions):
        return
    raise TooFewPairs(
        f"only {pairs} of {questions} questions ended in a QA pair; at least {share:.0%} must: of the other questions "
        "no candidate answer was whole, free of repetition and named the label",
        remedy="Raise settings.answer.samples, settings.answer.rationalise or settings.answer.max_tokens, set "
        "settings.select_answers.fallback to label_only and max_fallback_share to 1, or lower settings.min_pair_share.",
    )
