"""A QA pair as token ids. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

IGNORED = -100


@dataclass(frozen=True)
class TokenPair:
    """A pair ready to train on: ids of prompt and answer, and how many of them are the prompt's. `view` counts the
    image's augmented views; 0 is the image itself. `weights` are the tokens' in the loss, as many as ids; None: all
    count alike."""

    image: str
    ids: tuple[int, ...]
    prompt_length: int
    view: int = 0
    weights: tuple[float, ...] | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        return (IGNORED,) * self.prompt_length + self.ids[self.prompt_length :]

    @property
    def all_weights(self) -> tuple[float, ...]:
        return self.weights or (1.0,) * len(self.ids)


def weights_of(prompt_length: int, length: int, named: Iterable[int], label_weight: float) -> tuple[float, ...]:
    """The weight of each of a pair's `length` tokens: those in `named` count `label_weight` times as much as the rest
    of the answer, and the answer's together are as much as without it."""
    places = set(named)
    raw = [label_weight if place in places else 1.0 for place in range(prompt_length, length)]
    scale = len(raw) / sum(raw) if raw else 1.0
    return (0.0,) * prompt_length + tuple(weight * scale for weight in raw)
