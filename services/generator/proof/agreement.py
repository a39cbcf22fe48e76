"""Whether what an engine says for an adapter is what the trainer saw the adapter say. Pure: knows figures, no HTTP.

Compared are log-probabilities of single tokens, by their mean distance: a mean of some hundred values hardly feels
what rounding does to one of them. An answer is followed up to the first token at which the engine goes another way
(where two tokens are nearly as likely, rounding decides).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean
from typing import Literal

from shared.types.probes import Place, Probe, Probes, Seen

Fault = Literal["adapter_has_no_effect", "adapter_disagrees"]
# Mean distance, in nats. Measured where the right adapter was served: 1e-5 in float32, up to 0.1 in bf16.
TOLERANCE: Mapping[str, float] = {"float32": 0.001, "bf16": 0.3}
_LOOSEST = max(TOLERANCE.values())
# An engine may compute more coarsely than the trainer did; how much, its own base model shows.
_NOISES = 4.0


@dataclass(frozen=True)
class Said:
    """One place of an engine's answer: the token it took, and the log-probabilities it gave, by token id."""

    token: int
    logprobs: Mapping[int, float]


Answer = Sequence[Said]


@dataclass(frozen=True)
class Verdict:
    """Mean distances, in nats: of what was served under the adapter's name to what the trainer saw of the adapter and
    of the base, between these two (`effect`), and of the base as served to the base as seen (`noise`). `allowed` is
    the largest distance to the adapter that rounding explains; `values` is how many log-probabilities were compared."""

    to_adapter: float
    to_base: float
    effect: float
    noise: float
    allowed: float
    values: int

    @property
    def fault(self) -> Fault | None:
        """An adapter of small effect may be ignored within what rounding explains: nearer to the base tells it."""
        if self.noise > _LOOSEST:
            return "adapter_disagrees"
        if self.to_base < self.to_adapter / 2 and self.to_base <= self.allowed:
            return "adapter_has_no_effect"
        return "adapter_disagrees" if self.to_adapter > self.allowed else None


def judge(recorded: Probes, by_adapter: Sequence[Answer], by_base: Sequence[Answer]) -> Verdict:
    """From an engine's greedy answers to each recorded probe: under the adapter's name, and the base's first token."""
    pairs = [pair for probe, answer in zip(recorded.probes, by_adapter, strict=True) for pair in _pairs(probe, answer)]
    firsts = [probe.places[0] for probe in recorded.probes]
    base = [
        (said, seen.base) for place, answer in zip(firsts, by_base, strict=True) for said, seen in _at(place, answer[0])
    ]
    noise = _distance(base)
    return Verdict(
        to_adapter=_distance([(said, seen.adapter) for said, seen in pairs]),
        to_base=_distance([(said, seen.base) for said, seen in pairs]),
        effect=_distance([seen for _, seen in pairs]),
        noise=noise,
        allowed=min(_LOOSEST, max(TOLERANCE[recorded.precision], _NOISES * noise)),
        values=len(pairs),
    )


def _pairs(probe: Probe, answer: Answer) -> list[tuple[float, Seen]]:
    pairs = []
    for place, said in zip(probe.places, answer, strict=False):
        pairs += _at(place, said)
        if place.token not in said.logprobs:
            pairs.append(_unlikely(place.seen[place.token], min(said.logprobs.values())))
        if said.token != place.token:
            break
    return pairs


def _at(place: Place, said: Said) -> list[tuple[float, Seen]]:
    """The tokens of which both sides tell."""
    return [(value, place.seen[token]) for token, value in said.logprobs.items() if token in place.seen]


def _unlikely(seen: Seen, bound: float) -> tuple[float, Seen]:
    """The engine does not tell of the token: it is at most as likely as the least likely one that it tells of."""
    return bound, Seen(max(seen.adapter, bound), max(seen.base, bound))


def _distance(pairs: Sequence[tuple[float, float]]) -> float:
    """Infinite where the two sides tell of no token in common."""
    return fmean(abs(one - other) for one, other in pairs) if pairs else inf
