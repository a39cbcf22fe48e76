"""Which pairs share a sequence, and where its tokens stand. Pure: no tensors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.trainer.token_pair import IGNORED, TokenPair


@dataclass(frozen=True)
class Pack:
    """Pairs of one view of one image. Their first `shared` tokens are the same and stand once; what follows are the
    branches.

    `shared` ends before any pair's last prompt token: the token that predicts an answer's first belongs to a branch,
    since the same token cannot predict the first tokens of several answers.
    """

    pairs: tuple[TokenPair, ...]
    shared: int

    @property
    def image(self) -> str:
        return self.pairs[0].image

    @property
    def view(self) -> int:
        return self.pairs[0].view

    @property
    def length(self) -> int:
        """Tokens of the sequence."""
        return self.shared + sum(len(pair.ids) - self.shared for pair in self.pairs)

    @property
    def ids(self) -> list[int]:
        return [*self.pairs[0].ids[: self.shared], *self._of_branches(lambda pair: pair.ids)]

    @property
    def labels(self) -> list[int]:
        return [IGNORED] * self.shared + self._of_branches(lambda pair: pair.labels)

    @property
    def weights(self) -> list[float]:
        """The tokens' in the loss."""
        return [0.0] * self.shared + [w for pair in self.pairs for w in pair.all_weights[self.shared :]]

    @property
    def branches(self) -> list[int]:
        """For each token 0 where it is shared, else the number of its branch, from 1."""
        own = [number for number, pair in enumerate(self.pairs, 1) for _ in pair.ids[self.shared :]]
        return [0] * self.shared + own

    def _of_branches(self, of: Callable[[TokenPair], Sequence[int]]) -> list[int]:
        return [value for pair in self.pairs for value in of(pair)[self.shared :]]


def packs_of(pairs: Iterable[TokenPair], limit: int) -> list[Pack]:
    """Neighbouring pairs of one view of an image in packs of at most `limit` tokens. A pair that alone is longer stands
    alone."""
    groups = (tuple(group) for _, group in groupby(pairs, key=lambda pair: (pair.image, pair.view)))
    return [pack for group in groups for pack in _within(group, limit)]


def _within(pairs: tuple[TokenPair, ...], limit: int) -> Iterator[Pack]:
    shared = _shared(pairs)
    begun: list[TokenPair] = []
    room = limit - shared
    for pair in pairs:
        own = len(pair.ids) - shared
        if begun and own > room:
            yield Pack(tuple(begun), shared)
            begun, room = [], limit - shared
        begun.append(pair)
        room -= own
    yield Pack(tuple(begun), shared)


def _shared(pairs: Sequence[TokenPair]) -> int:
    """How many first tokens all pairs have in common, of those that no pair needs for itself."""
    most = min(pair.prompt_length for pair in pairs) - 1
    first = pairs[0].ids
    return next((place for place in range(most) if any(pair.ids[place] != first[place] for pair in pairs)), most)
