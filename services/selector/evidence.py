"""What the descriptions say about every concept, gathered in one pass over all of them. Knows no files and no queue.

Kept are one sum a concept, one a concept and image of its class, and the logits of each image's descriptions with its
own class's concepts; the embeddings of the descriptions themselves are dropped chunk by chunk.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, TypeVar

import torch
from torch import Tensor

from services.selector.encoder import Encoder
from services.selector.infonce import LogSums, leave_one_out, log_sum, logits, scores
from shared.types.concepts import ConceptBank
from shared.types.records import Description

Negatives = Literal["other_classes", "other_images"]
T = TypeVar("T")

_CHUNK_TEXTS = 1024


class ConceptColumns:
    """The bank's concepts as columns of one matrix: class after class, in the bank's order."""

    def __init__(self, bank: ConceptBank, encoder: Encoder) -> None:
        self.class_index = {label: k for k, label in enumerate(bank.concepts)}
        self.columns: dict[str, slice] = {}
        texts: list[str] = []
        for label, concepts in bank.concepts.items():
            self.columns[label] = slice(len(texts), len(texts) + len(concepts))
            texts.extend(concepts)
        self.embeddings_ze = encoder.encode(texts)
        owners = [self.class_index[label] for label, concepts in bank.concepts.items() for _ in concepts]
        self.class_z = torch.tensor(owners, dtype=torch.long, device=self.embeddings_ze.device)

    def of(self, label: str) -> Tensor:
        """The embeddings of one class's concepts: [Z_c, E]."""
        return self.embeddings_ze[self.columns[label]]


class Evidence:
    """Scores of concepts from descriptions. Add all descriptions, of any order, then ask for single images' scores.

    `labels` maps every example's id to its class; only the examples in `wanted` can be asked for.
    """

    def __init__(
        self,
        bank: ConceptBank,
        labels: Mapping[str, str],
        wanted: Collection[str],
        encoder: Encoder,
        tau: float,
        negatives: Negatives,
    ) -> None:
        self._labels = labels
        self._wanted = frozenset(wanted)
        self._encoder = encoder
        self._tau = tau
        self._negatives = negatives
        self._bank = ConceptColumns(bank, encoder)
        self._other_classes = LogSums(self._bank.embeddings_ze, tau, self._bank.class_z)
        self._own_logits: dict[str, list[Tensor]] = {}
        self._image_sums: dict[str, dict[str, Tensor]] = {}
        self._other_images: dict[str, dict[str, Tensor]] = {}

    def add_all(self, descriptions: Iterable[Description], after_chunk: Callable[[], None] = lambda: None) -> None:
        """Count the descriptions; `after_chunk` is called now and then."""
        for chunk in chunks(descriptions, _CHUNK_TEXTS):
            self._add(chunk)
            after_chunk()

    def scores(self, example_id: str) -> Tensor:
        """s(z) of the class's concepts in the bank's order: [Z_c] float64. Only of an image that is described."""
        return scores(torch.cat(self._own_logits[example_id]), self._log_negatives(example_id))

    def is_described(self, example_id: str) -> bool:
        return example_id in self._own_logits

    def _add(self, chunk: Sequence[Description]) -> None:
        embeddings_de = self._encoder.encode([row.text for row in chunk])
        classes = [self._bank.class_index[self._labels[row.example_id]] for row in chunk]
        self._other_classes.add(embeddings_de, torch.tensor(classes, device=embeddings_de.device))
        for example_id, rows in _places(row.example_id for row in chunk).items():
            concepts_ze = self._bank.of(self._labels[example_id])
            self._add_image(example_id, logits(embeddings_de[rows], concepts_ze, self._tau))

    def _add_image(self, example_id: str, own_dz: Tensor) -> None:
        if example_id in self._wanted:
            self._own_logits.setdefault(example_id, []).append(own_dz)
        if self._negatives == "other_images":
            sums = self._image_sums.setdefault(self._labels[example_id], {})
            sum_z = log_sum(own_dz)
            sums[example_id] = torch.logaddexp(sums[example_id], sum_z) if example_id in sums else sum_z

    def _log_negatives(self, example_id: str) -> Tensor:
        label = self._labels[example_id]
        total_z = self._other_classes.total_x[self._bank.columns[label]]
        if self._negatives == "other_classes":
            return total_z
        if label not in self._other_images:
            self._other_images[label] = _leave_each_out(self._image_sums.get(label, {}))
        same_class_z = self._other_images[label].get(example_id)
        return total_z if same_class_z is None else torch.logaddexp(total_z, same_class_z)


def _leave_each_out(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return dict(zip(sums, leave_one_out(torch.stack(list(sums.values()))), strict=True)) if sums else {}


def _places(names: Iterable[str]) -> dict[str, list[int]]:
    """Where each name stands."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return places


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
