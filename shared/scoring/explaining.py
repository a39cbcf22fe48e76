"""What explanations are worth, as counts that may be summed over shards and the figures that follow. Pure.

Knows texts, banks and the answers to further questions; asks nobody. docs/method.md says what each figure means.
"""

import math
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.scoring.citing import Citing
from shared.scoring.interval import wilson
from shared.types.records import Prediction

Bank = Mapping[str, Sequence[str]]
Counts = dict[str, float]
# Each explanation is compared with so many others of its class, and of other classes.
_COMPARED = 10
_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Explained:
    label: str
    concepts: frozenset[str]


def explained(citing: Citing, rows: Iterable[Prediction]) -> list[Explained]:
    """Of the test images that the engine answered."""
    answered = (row for row in rows if row.split == "test" and row.finish_reason != "failed")
    return [Explained(row.label, citing.concepts(row.answer)) for row in answered]


def citation_counts(rows: Sequence[Explained], bank: Bank, seed: int) -> Counts:
    """Who cites, what is cited of the image's own class, and how far explanations lie apart (Jaccard distance of what
    they cite) where the classes differ and where they are the same."""
    citing = [row for row in rows if row.concepts]
    own = {label: frozenset(concepts) for label, concepts in bank.items()}
    between, within = _distances(citing, seed)
    return {
        "explained_answers": float(len(rows)),
        "explained_citing": float(len(citing)),
        "explained_cited": float(sum(len(row.concepts) for row in citing)),
        "explained_own": float(sum(len(row.concepts & own.get(row.label, frozenset())) for row in citing)),
        "between_pairs": float(len(between)),
        "between_distance": math.fsum(between),
        "within_pairs": float(len(within)),
        "within_distance": math.fsum(within),
    }


def taught_counts(citing: Citing, pairs: Iterable[tuple[str, str]], chosen: Mapping[str, Collection[str]]) -> Counts:
    """Of the round's QA pairs (example id, answer): the concepts that they cite, and those of them that were chosen for
    the image."""
    cited = right = 0
    for example_id, text in pairs:
        concepts = citing.concepts(text)
        cited += len(concepts)
        right += len(concepts & frozenset(chosen.get(example_id, ())))
    return {"taught_cited": float(cited), "taught_chosen": float(right)}


def asked_counts(rows: Iterable[Prediction], hiding_requests: int) -> Counts:
    """What the engine's answers to the optional questions say; what nobody was asked is left out."""
    test = [row for row in rows if row.split == "test"]
    alone = [row for row in test if row.alone is not None]
    read = [row for row in test if row.answer_tokens is not None]
    hidden = [row for row in test if row.hiding is not None]
    drops = [row.hiding[0] - row.hiding[1] for row in hidden if row.hiding]
    return {
        **({"alone_requests": float(len(alone)), **_alone_counts(alone)} if alone else {}),
        **({"fluency_requests": 2.0 * len(read), **_fluency_counts(read)} if read else {}),
        **({"hiding_requests": float(hiding_requests * len(hidden)), **_hiding_counts(drops)} if hidden else {}),
        **({"hiding_unanswered": float(len(hidden) - len(drops))} if hidden else {}),
    }


def explanation_figures(counts: Mapping[str, float]) -> dict[str, float]:
    """Shares and means by name; those that nothing is known of are left out."""
    shares = {
        "citing_share": ("explained_citing", "explained_answers"),
        "own_class_share": ("explained_own", "explained_cited"),
        "concepts_an_answer": ("explained_cited", "explained_answers"),
        "distance_between_classes": ("between_distance", "between_pairs"),
        "distance_within_class": ("within_distance", "within_pairs"),
        "taught_chosen_share": ("taught_chosen", "taught_cited"),
        "consistency": ("alone_same", "alone_answered"),
        "existence": ("judged_exists", "judged"),
        "cognition": ("judged_cognition", "judged"),
    }
    found = {name: counts.get(part, 0.0) / counts[whole] for name, (part, whole) in shares.items() if counts.get(whole)}
    if counts.get("fluency_tokens"):
        found["perplexity"] = math.exp(min(700.0, counts["fluency_nats"] / counts["fluency_tokens"]))
    told = ("judged", "judge_unanswered", "judge_from_cache", "judge_prompt_tokens", "judge_completion_tokens")
    return {**found, **faithfulness(counts), **{name: counts[name] for name in told if name in counts}}


def faithfulness(counts: Mapping[str, float]) -> dict[str, float]:
    """By how many nats more the class becomes unlikely when the cited region is hidden than when others are: the mean
    with its 95% normal interval; and the share of images in which it does, with Wilson's interval."""
    n = int(counts.get("hiding_images", 0))
    if not n:
        return {}
    mean = counts["hiding_drops"] / n
    variance = max(0.0, counts["hiding_squares"] / n - mean**2) * n / max(1, n - 1)
    spread = _Z_95 * math.sqrt(variance / n)
    low, high = wilson(int(counts["hiding_more"]), n)
    return {
        "faithfulness": mean,
        **({"faithfulness_low": mean - spread, "faithfulness_high": mean + spread} if n > 1 else {}),
        "faithful_share": counts["hiding_more"] / n,
        "faithful_share_low": low,
        "faithful_share_high": high,
    }


def _alone_counts(rows: Sequence[Prediction]) -> Counts:
    answered = [row for row in rows if row.alone]
    same = sum(row.alone == row.predicted for row in answered)
    return {
        "alone_answered": float(len(answered)),
        "alone_same": float(same),
        "alone_unanswered": float(len(rows) - len(answered)),
    }


def _fluency_counts(rows: Sequence[Prediction]) -> Counts:
    read = [row for row in rows if row.answer_tokens]
    return {
        "fluency_nats": math.fsum(row.answer_nats or 0.0 for row in read),
        "fluency_tokens": float(sum(row.answer_tokens or 0 for row in read)),
        "fluency_unanswered": float(len(rows) - len(read)),
    }


def _hiding_counts(drops: Sequence[float]) -> Counts:
    return {
        "hiding_images": float(len(drops)),
        "hiding_drops": math.fsum(drops),
        "hiding_squares": math.fsum(drop**2 for drop in drops),
        "hiding_more": float(sum(drop > 0 for drop in drops)),
    }


def _distances(rows: Sequence[Explained], seed: int) -> tuple[list[float], list[float]]:
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)
    by_label: dict[str, list[Explained]] = {}
    for row in mixed:
        by_label.setdefault(row.label, []).append(row)
    between = [_distance(one, other) for one, other in _pairs(mixed) if one.label != other.label]
    within = [_distance(one, other) for own in by_label.values() for one, other in _pairs(own)]
    return between, within


def _pairs(rows: Sequence[Explained]) -> Iterable[tuple[Explained, Explained]]:
    """Each with the next ones in the list."""
    return ((one, other) for k, one in enumerate(rows) for other in rows[k + 1 : k + 1 + _COMPARED])


def _distance(one: Explained, other: Explained) -> float:
    return 1 - len(one.concepts & other.concepts) / len(one.concepts | other.concepts)
