"""select_concepts: which of its class's concepts are visible in THIS image. Every concept gets a row with its score."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from services.selector import inputs
from services.selector.clauses import ClauseEvidence
from services.selector.encoder import Encoder, KnownEncoder
from services.selector.evidence import Evidence
from services.selector.parts import missing, write_missing
from shared.artefacts import ArtefactWriter, ManifestRef, pinned
from shared.job_settings import SelectConceptsSettings
from shared.sharding import cut
from shared.types.concepts import ConceptBank
from shared.types.records import Example, ScoredConcept
from shared.worker.context import StepContext

AnyEvidence = Evidence | ClauseEvidence


def run(context: StepContext, encoder: KnownEncoder) -> ManifestRef:
    """Read all descriptions once, then score and choose for each example of the shard."""
    settings = context.settings.select_concepts
    everyone = inputs.train_examples(context)
    examples = inputs.own_share(context, everyone)
    bank = inputs.concept_bank(context, (example.label for example in everyone))
    parts = cut(examples, context.settings.examples_per_part)
    about = {"encoder": encoder.facts.model_dump()}
    writer = ArtefactWriter(context.store, pinned(context.task, **about), ScoredConcept)
    if todo := missing(writer, parts):
        evidence = _gather(context, bank, everyone, todo, encoder)
        write_missing(context, writer, parts, lambda part: _rows(part, bank, evidence, settings))
    found = figures(writer.read(), settings.at_least)
    if found["doubted"]:
        context.tell(
            f"{found['doubted']:.0f} of {found['examples']:.0f} training images are left out: their descriptions fit "
            "other classes better than their label's (select_concepts.doubt_share); in the ledger none of their "
            "concepts is chosen"
        )
    return writer.finish(len(parts), found, about)


def _gather(
    context: StepContext, bank: ConceptBank, everyone: Sequence[Example], todo: Sequence[Example], encoder: Encoder
) -> AnyEvidence:
    settings = context.settings.select_concepts
    labels = {example.id: example.label for example in everyone}
    wanted = {example.id for example in todo}
    evidence: AnyEvidence = (
        ClauseEvidence(bank, labels, wanted, encoder, compares=settings.doubt_share is not None)
        if settings.evidence == "clause"
        else Evidence(bank, labels, wanted, encoder, settings.tau, settings.negatives)
    )
    evidence.add_all(inputs.descriptions(context), context.check)
    return evidence


def _rows(
    part: Sequence[Example], bank: ConceptBank, evidence: AnyEvidence, settings: SelectConceptsSettings
) -> list[ScoredConcept]:
    rows: list[ScoredConcept] = []
    for example in part:
        concepts = bank.concepts[example.label]
        if not evidence.is_described(example.id):
            rows += unscored(example.id, concepts)
            continue
        own = ranked(example.id, concepts, evidence.scores(example.id), settings)
        doubted = is_doubted(example.id, evidence, settings.doubt_share)
        rows += [row.model_copy(update={"chosen": False}) for row in own] if doubted else own
    return rows


def unscored(example_id: str, concepts: Sequence[str]) -> list[ScoredConcept]:
    """The rows of an image of which nothing was told: it is left out, as a doubted one is."""
    return [
        ScoredConcept(example_id=example_id, concept=concept, score=None, rank=rank, chosen=False)
        for rank, concept in enumerate(concepts)
    ]


def is_doubted(example_id: str, evidence: AnyEvidence, doubt_share: float | None) -> bool:
    """Whether the image is left out: of a doubted one no concept is chosen, and no step asks about it."""
    if doubt_share is None or not isinstance(evidence, ClauseEvidence):
        return False
    return evidence.better_fits(example_id) >= doubt_share


def ranked(
    example_id: str, concepts: Sequence[str], scores_z: Tensor, settings: SelectConceptsSettings
) -> list[ScoredConcept]:
    """One row a concept, best first (equal scores: in the bank's order).

    Chosen are those above mean + threshold_std * std, or the `at_least` best where fewer are (all of a shorter bank).
    """
    limit = threshold(scores_z, settings.threshold_std)
    scores = [float(score) for score in scores_z]
    order = sorted(range(len(scores)), key=lambda k: -scores[k])
    above = sum(score > limit for score in scores)
    kept = above if above >= settings.at_least else settings.at_least
    return [
        ScoredConcept(example_id=example_id, concept=concepts[k], score=scores[k], rank=rank, chosen=rank < kept)
        for rank, k in enumerate(order)
    ]


def threshold(scores_z: Tensor, threshold_std: float) -> float:
    """mean + threshold_std * std with the unbiased std; the std of a single score is 0. Never NaN."""
    scale = float(scores_z.abs().max()) or 1.0  # so that squares of huge scores (tiny tau) stay in range
    scaled_z = scores_z / scale
    std = float(scaled_z.std()) if len(scaled_z) > 1 else 0.0
    return scale * (float(scaled_z.mean()) + threshold_std * std)


def figures(rows: Iterable[ScoredConcept], at_least: int) -> dict[str, float]:
    """`short_banks` counts the examples whose class has fewer concepts than `at_least`: all of them are chosen.
    `undescribed` and `doubted` those of which none is, for want of a description or in spite of them: they are left
    out."""
    bank: dict[str, int] = {}
    chosen: dict[str, int] = {}
    undescribed: set[str] = set()
    for row in rows:
        bank[row.example_id] = bank.get(row.example_id, 0) + 1
        chosen[row.example_id] = chosen.get(row.example_id, 0) + row.chosen
        if row.score is None:
            undescribed.add(row.example_id)
    return {
        "examples": float(len(bank)),
        "undescribed": float(len(undescribed)),
        "doubted": float(sum(count == 0 for count in chosen.values()) - len(undescribed)),
        "chosen": float(sum(chosen.values())),
        "bank": float(sum(bank.values())),
        "short_banks": float(sum(size < at_least for size in bank.values())),
    }
