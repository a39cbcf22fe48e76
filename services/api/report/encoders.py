"""Which text encoder scored concepts and answers, as each selection left it in its manifests. Reads artefacts only."""

from collections.abc import Mapping
from functools import lru_cache

from services.api.report.contents import EncoderLine
from services.api.rounds import Position
from shared.artefacts import read_manifest
from shared.objects import ObjectStore
from shared.types.encoders import EncoderFacts
from shared.types.lifecycle import StepName

_SCORING = (StepName.SELECT_CONCEPTS, StepName.SELECT_ANSWERS)


def encoders_of(store: ObjectStore, done: Mapping[Position, tuple[str, ...]]) -> list[EncoderLine]:
    """In the order of the rounds; several lines of a step whose shards had several. A selection by an earlier release,
    which did not tell, has none. `done` maps steps to their manifests' keys."""
    scored = sorted((at for at in done if at.step in _SCORING), key=lambda at: (at.round, _SCORING.index(at.step)))
    return [
        EncoderLine(round=at.round, step=at.step, **facts.model_dump())
        for at in scored
        for facts in _told(store, done[at])
    ]


@lru_cache(maxsize=256)
def _told(store: ObjectStore, manifests: tuple[str, ...]) -> tuple[EncoderFacts, ...]:
    """Artefacts never change, so this may be kept."""
    told = [read_manifest(store, manifest).extra.get("encoder") for manifest in manifests]
    return tuple(dict.fromkeys(EncoderFacts.model_validate(each) for each in told if each))
