"""Which training images may be labelled wrongly: the model's own untold answers about them agree on another class.

Nothing is done about them; a person should look. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from shared.scoring.labels import NONE, SEVERAL, LabelScorer
from shared.types.records import Candidate, SuspectLabel


def suspect_labels(
    rows: Iterable[Candidate], labels: Mapping[str, str], scorer: LabelScorer, least_share: float
) -> list[SuspectLabel]:
    """The images of whose own answers at least `least_share` name the same other class, the most suspect first.

    `labels` maps example ids to labels. Answers that were told the label, and those the engine never gave, say nothing.
    """
    named: dict[str, Counter[str]] = {}
    for row in rows:
        if row.source == "answer" and row.finish_reason != "failed":
            named.setdefault(row.example_id, Counter())[scorer.decide(row.text)] += 1
    found = [_suspect(id_, labels[id_], counts) for id_, counts in named.items()]
    return sorted(
        (one for one in found if one is not None and one.share >= least_share),
        key=lambda one: (-one.share, one.own_share, one.example_id),
    )


def _suspect(example_id: str, label: str, counts: Counter[str]) -> SuspectLabel | None:
    others = {name: count for name, count in counts.items() if name not in (label, NONE, SEVERAL)}
    if not others:
        return None
    instead = min(others, key=lambda name: (-others[name], name))
    total = counts.total()
    return SuspectLabel(
        example_id=example_id,
        label=label,
        instead=instead,
        share=others[instead] / total,
        own_share=counts[label] / total,
        answers=total,
    )
