"""How many of the QA pairs may be fallbacks, the same for every step that makes them. Pure.

A fallback only names the label. It teaches no explanation and becomes a shortcut when fallbacks dominate.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.seeds import derive
from shared.types.records import Candidate

Question = tuple[str, int]  # (example id, question id)


def cap(rows: Sequence[Candidate], max_share: float, seed: int) -> list[Candidate]:
    """The rows of a ledger in which every question without a pair has a fallback; those beyond the cap not kept."""
    pair_count = sum(row.kept and row.source != "fallback" for row in rows)
    lacking = [_question(row) for row in rows if row.source == "fallback"]
    return within(rows, allowed(lacking, pair_count, max_share, seed))


def within(rows: Iterable[Candidate], may: Collection[Question]) -> list[Candidate]:
    """The rows, with the fallbacks of all other questions than `may` not kept."""
    return [row if row.source != "fallback" or _question(row) in may else _capped(row) for row in rows]


def allowed(lacking: Iterable[Question], pair_count: int, max_share: float, seed: int) -> frozenset[Question]:
    """Which of the questions that lack a pair may have a fallback, so that fallbacks are at most `max_share` of all
    pairs, `pair_count` being the others. Drawn by seed, so that no class is favoured by its place."""
    drawn = sorted(lacking, key=lambda question: derive(seed, "fallback", *question))
    if max_share >= 1:
        return frozenset(drawn)
    return frozenset(drawn[: _at_most(pair_count, max_share)])


def pairs_that_count(figures: Mapping[str, float], max_share: float) -> int:
    """Of a ledger's pairs those by which a job may go on: fallbacks only where it lets them be all."""
    return int(figures["pairs"] - (figures["fallbacks"] if max_share < 1 else 0))


def _question(row: Candidate) -> Question:
    return row.example_id, row.question_id


def _capped(row: Candidate) -> Candidate:
    return row.model_copy(update={"kept": False, "reason": "fallback_capped"})


def _at_most(pair_count: int, max_share: float) -> int:
    """The largest f with f <= max_share * (pair_count + f)."""
    count = int(max_share * pair_count / (1 - max_share)) + 1
    while count > 0 and count > max_share * (pair_count + count):
        count -= 1
    return count
