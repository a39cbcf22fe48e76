"""view_concepts: the job's own model looks at a few train images of each class and names what it sees.

Judges nothing: clean_concepts counts in how many images a feature was seen and takes out what is no concept.
"""

import re
from collections.abc import Sequence
from typing import Any

from services.generator.chat import Engine, Reply, Sampling
from services.generator.prompts import view_prompt, view_prompt_hash
from services.generator.steps.parts import PartRun
from services.generator.steps.teacher import Sitting
from services.generator.wire import NoStructure
from shared.artefacts import ManifestRef, read_rows
from shared.concepts.wording import listed
from shared.seeds import derive
from shared.types.concept_job import ConceptClasses, ConceptJob
from shared.types.concepts import BankSource
from shared.types.records import AnswerOutcome, Example, Proposal
from shared.worker.context import StepContext
from shared.worker.watching import now

# No quotes: nothing to unescape, even where the list was cut off. And nothing that JSON forbids in a string.
_FEATURE = r'^[^"\\\x00-\x1f]{2,120}$'
SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "pattern": _FEATURE},
    "minItems": 1,
    "maxItems": 20,
}
_STRING = re.compile(r'"([^"\\]*)"')


def run(context: StepContext, engine: Engine) -> ManifestRef:
    job = ConceptJob.model_validate(context.task.params)
    view, noun = job.view, job.domain.noun
    sampling = Sampling(view.samples, view.temperature, view.top_p, view.max_tokens)

    async def rows_of(sitting: Sitting) -> Sequence[Proposal]:
        prompt = view_prompt(noun, sitting.example.label if view.tell_label else None)
        replies = await _asked(sitting, prompt, sampling, structured=view.structured)
        return [_proposal(sitting.example, reply) for reply in replies]

    examples = looked_at(context, view.images)
    parts = PartRun(context, Proposal, examples, rows_of, view.images_per_part, view.failed_share)
    parts.complete(engine)
    source = BankSource(
        id=context.task.job_id,
        kind="own_model",
        made_at=now(),
        model=context.task.base_model,
        prompt_sha256=view_prompt_hash(noun, view.tell_label),
    )
    rows = list(parts.writer.read())
    figures = {
        "classes": float(len({row.label for row in rows})),
        "images": float(len({row.example_id for row in rows})),
        "answers": float(len(rows)),
        "failed": float(sum(row.outcome == "failed" for row in rows)),
    }
    return parts.writer.finish(parts.part_count, figures, {"source": source.model_dump(mode="json")})


def looked_at(context: StepContext, per_class: int) -> list[Example]:
    """The same few train images of each class in every attempt, drawn by the job's seed."""
    classes = ConceptClasses.model_validate_json(context.store.get(context.task.inputs["classes"][0]))
    of_class: dict[str, list[Example]] = {label: [] for label in classes.asked}
    for row in read_rows(context.store, context.task.inputs["examples"], Example):
        if row.split == "train" and row.label in of_class:
            of_class[row.label].append(row)
    seed = context.task.seed
    drawn = (sorted(rows, key=lambda row: derive(seed, "view", row.id))[:per_class] for rows in of_class.values())
    return [row for rows in drawn for row in rows]


async def _asked(sitting: Sitting, prompt: str, sampling: Sampling, *, structured: bool) -> tuple[Reply, ...]:
    """As a JSON list where that is wanted and the engine can keep to it."""
    if structured:
        try:
            return await sitting.ask(prompt, sampling, schema=SCHEMA)
        except NoStructure:
            pass
    return await sitting.ask(prompt, sampling)


def _proposal(example: Example, reply: Reply) -> Proposal:
    is_cut = reply.finish_reason == "length"
    concepts = _named(reply.text, is_cut)
    outcome: AnswerOutcome = "cut_off" if is_cut else "ok" if concepts else "empty"
    return Proposal(
        label=example.label,
        example_id=example.id,
        concepts=concepts,
        outcome="failed" if reply.failure else outcome,
        detail=reply.failure or ("" if concepts else "the answer names nothing"),
        prompt_tokens=0,
        completion_tokens=0,
    )


def _named(text: str, is_cut: bool) -> tuple[str, ...]:
    """The end of an answer that was cut off is half a feature. A list that was cut off is read as far as it goes."""
    if text.startswith('["'):
        return tuple(each.strip() for each in _STRING.findall(text) if each.strip())
    named = listed(text)
    return tuple(named[:-1] if is_cut else named)
