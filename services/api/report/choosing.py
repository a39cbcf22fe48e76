"""Which test images a report shows: the best and the worst answers, and those whose verdict changed. Pure."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.scoring.labels import NONE, SEVERAL
from shared.scoring.writing import fold
from shared.types.records import Prediction

Kind = Literal["best", "worst", "gained", "lost"]
Bank = Mapping[str, Sequence[str]]
EACH = 4


@dataclass(frozen=True)
class Chosen:
    """`concepts` are those of the image's class that the answer names, word for word."""

    kind: Kind
    row: Prediction
    before: str | None
    concepts: list[str]


def best_and_worst(rows: Sequence[Prediction], bank: Bank) -> list[Chosen]:
    """Best: right, whole, without repetition, with most concepts in fewest words. Worst: wrong, those first whose
    confusion is the most frequent. Of each class, or confusion, one."""
    fit = [row for row in rows if row.correct and not row.repeats and row.finish_reason == "stop"]
    fit.sort(key=lambda row: (-len(cited(row, bank)), len(row.answer), row.example_id))
    wrong = [row for row in rows if not row.correct]
    frequency = Counter((row.label, row.predicted) for row in wrong)
    wrong.sort(key=lambda row: (row.predicted in (NONE, SEVERAL), -frequency[row.label, row.predicted], row.example_id))
    best = _one_each(fit, lambda row: row.label)
    worst = _one_each(wrong, lambda row: (row.label, row.predicted))
    return [_chosen("best", row, None, bank) for row in best] + [_chosen("worst", row, None, bank) for row in worst]


def changed(now: Sequence[Prediction], before: Sequence[Prediction], bank: Bank) -> list[Chosen]:
    """Images that became right, and images that became wrong, half of either."""
    earlier = {row.example_id: row for row in before}
    both = [row for row in now if row.example_id in earlier]
    found: list[Chosen] = []
    for kind, is_right in (("gained", True), ("lost", False)):
        turned = [row for row in both if row.correct is is_right is not earlier[row.example_id].correct]
        shown = _one_each(turned, lambda row: row.label)[: EACH // 2]
        found += [_chosen(kind, row, earlier[row.example_id].answer, bank) for row in shown]  # type: ignore[arg-type]
    return found


def cited(row: Prediction, bank: Bank) -> list[str]:
    text = fold(row.answer)
    return [concept for concept in bank.get(row.label, ()) if fold(concept) in text]


def _chosen(kind: Kind, row: Prediction, before: str | None, bank: Bank) -> Chosen:
    return Chosen(kind, row, before, cited(row, bank))


def _one_each(rows: Iterable[Prediction], of: Callable[[Prediction], Hashable]) -> list[Prediction]:
    first: dict[Hashable, Prediction] = {}
    for row in rows:
        first.setdefault(of(row), row)
    return list(first.values())[:EACH]
