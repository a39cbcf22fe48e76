"""What an arm changes in the rows that the steps leave. Pure: rows in, rows out, every draw from a given seed."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from shared.bare_answer import bare_answer
from shared.types.records import Candidate, Example, ScoredConcept

_UNKNOWN = "a wild bird"  # what the base calls every bird
_FITTING = frozenset({"best", "lower_score"})

Rows = Sequence[Candidate]


def kept(rows: Rows) -> list[Candidate]:
    return [row for row in rows if row.kept]


def label_only(examples: Sequence[Example], count: int, simple: Sequence[str], seed: int) -> list[Candidate]:
    """`count` simple questions, answered with the label and nothing else, spread evenly over all the examples: what the
    loop leaves out, of images or of questions, it leaves out for itself alone."""
    rng = random.Random(f"label only {seed}")
    drawn = list(examples)
    rng.shuffle(drawn)
    asked = sorted((drawn[k % len(drawn)] for k in range(count)), key=lambda example: example.id)
    return [_bare(example, number, rng.choice(simple)) for number, example in enumerate(asked)]


def _bare(example: Example, number: int, question: str) -> Candidate:
    return Candidate(
        example_id=example.id,
        question_id=number,
        kind="simple",
        question=question,
        sample=0,
        source="fallback",
        text=bare_answer(example.label),
        finish_reason="stop",
        score=None,
        kept=True,
        reason="fallback",
    )


def class_explanation(rows: Rows, labels: Mapping[str, str], concepts: Sequence[ScoredConcept]) -> list[Candidate]:
    """Each explanation the same for all images of a class: the concepts that most of them were held to show."""
    said = class_concepts(labels, concepts)
    return [
        row.model_copy(update={"text": f"The bird shows {', '.join(said[label])}, so it is {label}."})
        if row.kind != "simple"
        else row
        for row in kept(rows)
        for label in (labels[row.example_id],)
    ]


def class_concepts(labels: Mapping[str, str], concepts: Sequence[ScoredConcept]) -> dict[str, list[str]]:
    """By label the concepts that were chosen in at least half of its images (the most frequent one where none was)."""
    images = Counter(labels[id_] for id_ in {row.example_id for row in concepts if row.chosen})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in concepts:
        counts[labels[row.example_id]][row.concept] += row.chosen
    return {
        label: [c for c, n in of_label.items() if n >= images[label] / 2] or [of_label.most_common(1)[0][0]]
        for label, of_label in counts.items()
    }


def own_explanation(rows: Rows, labels: Mapping[str, str]) -> list[Candidate]:
    """The base's own answers, with the label where the base names no species; answers without such a place are left."""
    return [
        row.model_copy(update={"text": row.text.replace(_UNKNOWN, labels[row.example_id]), "kept": True})
        for row in rows
        if _UNKNOWN in row.text and row.finish_reason == "stop"
    ]


def random_concepts(concepts: Sequence[ScoredConcept], seed: int) -> list[ScoredConcept]:
    """In each image as many of its class's concepts as were chosen, drawn blindly."""
    rng = random.Random(f"random concepts {seed}")
    changed: list[ScoredConcept] = []
    for of_image in _by_image(concepts).values():
        flags = [row.chosen for row in of_image]
        rng.shuffle(flags)
        changed += [row.model_copy(update={"chosen": flag}) for row, flag in zip(of_image, flags, strict=True)]
    return changed


def other_image_concepts(
    concepts: Sequence[ScoredConcept], labels: Mapping[str, str], seed: int
) -> list[ScoredConcept]:
    """In each image what was chosen in another one of its class. Images that were left out stay so."""
    rng = random.Random(f"other image {seed}")
    by_image, images = _by_image(concepts), defaultdict(list)
    by_image = {id_: rows for id_, rows in by_image.items() if any(row.chosen for row in rows)}
    for id_ in by_image:
        images[labels[id_]].append(id_)
    changed: list[ScoredConcept] = []
    for of_label in images.values():
        rng.shuffle(of_label)
        for id_, other in zip(of_label, [*of_label[1:], of_label[0]], strict=True):
            changed += [row.model_copy(update={"example_id": id_}) for row in by_image[other]]
    return [*changed, *(row for row in concepts if row.example_id not in by_image)]


def first_sample(rows: Rows) -> list[Candidate]:
    """Of each question's candidates the first that was fit to keep, whatever its score."""
    found: dict[tuple[str, int], Candidate] = {}
    for row in sorted(rows, key=lambda row: (row.source == "rationalised", row.sample)):
        if row.reason in _FITTING:
            found.setdefault((row.example_id, row.question_id), row)
    return [row.model_copy(update={"kept": True, "reason": "best"}) for row in found.values()]


def shuffled_labels(examples: Sequence[Example], seed: int) -> list[Example]:
    """The training images' labels shuffled against the images."""
    train = [row for row in examples if row.split == "train"]
    labels = [row.label for row in train]
    random.Random(f"shuffled labels {seed}").shuffle(labels)
    changed = [row.model_copy(update={"label": label}) for row, label in zip(train, labels, strict=True)]
    return [*changed, *(row for row in examples if row.split != "train")]


def levelled(rows: Rows, count: int, seed: int) -> list[Candidate]:
    """`count` of the pairs: some left out, or some twice, drawn blindly; so all arms take as many optimiser steps."""
    rng, pairs = random.Random(f"levelled {seed}"), kept(rows)
    if len(pairs) >= count:
        chosen = set(rng.sample(range(len(pairs)), count))
        return [row for k, row in enumerate(pairs) if k in chosen]
    return sorted([*pairs, *rng.choices(pairs, k=count - len(pairs))], key=lambda row: row.example_id)


def _by_image(concepts: Sequence[ScoredConcept]) -> dict[str, list[ScoredConcept]]:
    found: dict[str, list[ScoredConcept]] = {}
    for row in concepts:
        found.setdefault(row.example_id, []).append(row)
    return found
