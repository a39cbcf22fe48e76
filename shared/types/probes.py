"""What a trainer saw its adapter say: enough to tell later whether a server serves that adapter and no other."""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

# Beside the adapter's files.
PROBES = "probes.json"


class Seen(NamedTuple):
    """One token's log-probability by the adapter and by the base model, after the same text."""

    adapter: float
    base: float


class Place(BaseModel):
    """One place of an answer: the token that the adapter finds likeliest there, and what was seen of the few tokens
    that either model finds likeliest (by token id; `token` is among them)."""

    model_config = ConfigDict(frozen=True)

    token: int
    seen: dict[int, Seen]


class Probe(BaseModel):
    """A question about a stored image, and the beginning of the adapter's greedy answer."""

    model_config = ConfigDict(frozen=True)

    image_key: str
    question: str
    places: tuple[Place, ...]


class Probes(BaseModel):
    """`precision` is what the trainer computed in."""

    model_config = ConfigDict(frozen=True)

    precision: Literal["float32", "bf16"]
    probes: tuple[Probe, ...]
