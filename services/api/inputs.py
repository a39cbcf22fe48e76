"""What each step reads, and the message that says so. Pure: facts in, StepTask out.

The names of inputs are the contract between the steps; see StepTask.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.api.rounds import Position
from shared.types.lifecycle import StepName
from shared.types.tasks import StepTask, adapter_name, step_id

Keys = tuple[str, ...]


@dataclass(frozen=True)
class JobFacts:
    """What stands fixed about a job: its request, its data set, and what its finished steps left.

    `artefacts` holds manifest keys in shard order; `adapters` the prefix of each round's adapter files. `params` are
    the job's whole settings as JSON (for an ingest job: what to read).
    """

    job_id: str
    dataset_id: str
    model: str
    seed: int
    params: Mapping[str, Any]
    lease_s: float
    traceparent: str | None = None
    examples: Keys = ()
    concept_bank: Keys = ()
    instructions: Keys = ()
    artefacts: Mapping[Position, Keys] = field(default_factory=dict)
    adapters: Mapping[int, str] = field(default_factory=dict)


def task_for(facts: JobFacts, at: Position, shard: int, shards: int, attempt: int) -> StepTask:
    """The message for one attempt of one shard."""
    return StepTask(
        step_id=step_id(facts.job_id, at.round, at.step, shard),
        job_id=facts.job_id,
        round=at.round,
        step=at.step,
        shard=shard,
        shards=shards,
        attempt=attempt,
        inputs={name: keys for name, keys in _inputs(facts, at, shard, shards).items() if keys},
        output_prefix=_output_prefix(facts, at, shard),
        base_model=facts.model,
        teacher=teacher(facts, at),
        seed=facts.seed,
        params=dict(facts.params),
        lease_s=facts.lease_s,
        traceparent=facts.traceparent,
    )


def teacher(facts: JobFacts, at: Position) -> str:
    """The model that the step speaks with: the one entering the round; for what measures, the one that leaves it."""
    made_in = at.round if at.step in (StepName.EVALUATE, StepName.BENCHMARK) else at.round - 1
    return adapter_name(facts.job_id, made_in) if made_in >= 1 else facts.model


def _inputs(facts: JobFacts, at: Position, shard: int, shards: int) -> dict[str, Keys]:
    examples, bank = {"examples": facts.examples}, {"concept_bank": facts.concept_bank}
    concepts = {"concepts": _newest_by(facts, at.round, StepName.SELECT_CONCEPTS)}
    match at.step:
        case StepName.INGEST:
            return {}
        case StepName.DESCRIBE:
            return examples
        case StepName.SELECT_CONCEPTS:
            return examples | bank | {"descriptions": _left_by(facts, at.round, StepName.DESCRIBE)}
        case StepName.SYNTHESISE | StepName.ANSWER:
            return examples | bank | concepts
        case StepName.SELECT_ANSWERS:
            answers = _own(_left_by(facts, at.round, StepName.ANSWER), shard, shards)
            return examples | bank | concepts | {"candidates": answers}
        case StepName.TRAIN:
            pairs = {"pairs": _pairs(facts, at.round), "adapter": _start(facts, at.round)}
            return examples | pairs | {"instructions": facts.instructions}
        case StepName.EVALUATE:
            taught = concepts | {"pairs": _pairs(facts, at.round)} if at.round else {}
            return examples | bank | taught
        case StepName.BENCHMARK:
            return {"base": _left_by(facts, 0, StepName.BENCHMARK)} if at.round else {}
        case StepName.ASK_CONCEPTS:
            return _classes(facts)
        case StepName.VIEW_CONCEPTS:
            return examples | _classes(facts)
        case StepName.EXPORT:
            return {"adapter": (str(facts.params["prefix"]),)}
        case StepName.CLEAN_CONCEPTS:
            return bank | _classes(facts) | {"proposals": _proposals(facts)}


def _left_by(facts: JobFacts, round_: int, step: StepName) -> Keys:
    return facts.artefacts.get(Position(round_, step), ())


def _newest_by(facts: JobFacts, round_: int, step: StepName) -> Keys:
    """What the step left in the last of the rounds up to this one that have it."""
    return next((keys for r in range(round_, 0, -1) if (keys := _left_by(facts, r, step))), ())


def _own(keys: Keys, shard: int, shards: int) -> Keys:
    """Of a step that was cut in the same way a shard needs what the same shard left: it was about the same examples."""
    return keys[shard : shard + 1] if len(keys) == shards else keys


def _pairs(facts: JobFacts, round_: int) -> Keys:
    return _left_by(facts, round_, StepName.SYNTHESISE if round_ == 1 else StepName.SELECT_ANSWERS)


def classes_key(job_id: str) -> str:
    """Where a job that builds a concept bank finds the classes that it asks about."""
    return f"jobs/{job_id}/classes.json"


def _classes(facts: JobFacts) -> dict[str, Keys]:
    return {"classes": (classes_key(facts.job_id),)}


def _proposals(facts: JobFacts) -> Keys:
    return _left_by(facts, 0, StepName.ASK_CONCEPTS) + _left_by(facts, 0, StepName.VIEW_CONCEPTS)


def _start(facts: JobFacts, round_: int) -> Keys:
    """The previous round's adapter, unless each round starts from the base."""
    from_base = facts.params.get("train", {}).get("start_from") == "base"
    prefix = facts.adapters.get(round_ - 1)
    return () if from_base or prefix is None else (prefix,)


def _output_prefix(facts: JobFacts, at: Position, shard: int) -> str:
    if at.step == StepName.INGEST:
        return f"datasets/{facts.dataset_id}"
    return f"jobs/{facts.job_id}/r{at.round}/{at.step.value}/s{shard}"
