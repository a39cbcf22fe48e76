"""Clause-level evidence, an alternative to the InfoNCE score: how near the best clause of each description comes to a
concept. Knows no negatives: whether other classes show the concept too does not matter to whether this image does.

A long description's embedding mixes all it tells, so that one visible part moves it little; a clause tells one thing.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from services.selector.encoder import Encoder
from services.selector.evidence import ConceptColumns, chunks
from shared.types.concepts import ConceptBank
from shared.types.records import Description

_BORDER = re.compile(r"[.,;:!?()\n]+|\b(?:and|with|while|but|whose|which)\b")
_LEAST_WORDS = 2
_CHUNK_TEXTS = 256
_MOST_EMBEDDED = 50_000


def clauses(text: str) -> list[str]:
    """The text cut at punctuation and joining words, pieces of one word left out; the whole text if nothing is left."""
    pieces = [piece.strip() for piece in _BORDER.split(text)]
    return [piece for piece in pieces if len(piece.split()) >= _LEAST_WORDS] or [text]


class ClauseEvidence:
    """The mean over an image's descriptions of the best clause's cosine with each concept of its class.

    Built and asked like `services.selector.evidence.Evidence`; reads only the descriptions of the `wanted` examples.
    """

    def __init__(
        self,
        bank: ConceptBank,
        labels: Mapping[str, str],
        wanted: Collection[str],
        encoder: Encoder,
        compares: bool = False,
    ) -> None:
        """`compares`: `better_fits` will be asked, for which all classes' concepts are looked at."""
        self._compares = compares
        self._labels = labels
        self._wanted = frozenset(wanted)
        self._encoder = encoder
        self._bank = ConceptColumns(bank, encoder)
        self._best: dict[str, list[Tensor]] = {}
        self._fits: dict[str, list[Tensor]] = {}
        self._embedded: dict[str, Tensor] = {}

    def add_all(self, descriptions: Iterable[Description], after_chunk: Callable[[], None] = lambda: None) -> None:
        wanted = (row for row in descriptions if row.example_id in self._wanted)
        for chunk in chunks(wanted, _CHUNK_TEXTS):
            self._add(chunk)
            after_chunk()

    def scores(self, example_id: str) -> Tensor:
        """[Z_c] float64 in the bank's order, in [-1, 1]. Only of an image that is described."""
        return torch.stack(self._best[example_id]).mean(0)

    def is_described(self, example_id: str) -> bool:
        return example_id in self._best

    def better_fits(self, example_id: str) -> float:
        """Of the other classes the share whose concepts fit the image's descriptions better, in the mean, than those of
        its own; 0 where there is no other class. Only of an image that is described."""
        if len(self._bank.columns) < 2:
            return 0.0
        fits_k = torch.stack(self._fits[example_id]).mean(0)
        own = self._bank.class_index[self._labels[example_id]]
        return float((fits_k > fits_k[own]).sum()) / (len(fits_k) - 1)

    def _add(self, chunk: Sequence[Description]) -> None:
        cut = [clauses(row.text) for row in chunk]
        self._embed({clause for own in cut for clause in own})
        for row, own in zip(chunk, cut, strict=True):
            own_ce = torch.stack([self._embedded[clause] for clause in own])
            concepts_ze = self._bank.of(self._labels[row.example_id])
            self._best.setdefault(row.example_id, []).append((own_ce @ concepts_ze.T).double().amax(0))
            if self._compares:
                self._fits.setdefault(row.example_id, []).append(self._class_means(own_ce))

    def _class_means(self, clauses_ce: Tensor) -> Tensor:
        """By class the mean over its concepts of the best clause's cosine: [classes]."""
        best_z = (clauses_ce @ self._bank.embeddings_ze.T).double().amax(0)
        sums_k = best_z.new_zeros(len(self._bank.columns)).index_add(0, self._bank.class_z, best_z)
        return sums_k / torch.bincount(self._bank.class_z, minlength=len(sums_k)).clamp(min=1)

    def _embed(self, wanted: Collection[str]) -> None:
        """A model says the same clause of many images: each is embedded once, as long as memory allows."""
        if len(self._embedded) > _MOST_EMBEDDED:
            self._embedded.clear()
        fresh = sorted(clause for clause in wanted if clause not in self._embedded)
        if fresh:
            self._embedded.update(zip(fresh, self._encoder.encode(fresh), strict=True))
