"""How well unseen facts are told from looks, on concepts of published banks that were judged by hand.

`visual_labels.json` holds places in the published files ([class, concept], counted from 0), no text. Rules and phrases
were written with `tuned_on` in sight; `held_out` was judged and measured once they stood.
"""

import json
from pathlib import Path

import pytest

from services.selector.bank.visible import Visibility
from services.selector.encoder import SentenceEncoder
from shared.concepts.rules import says_unseen
from shared.types.concept_job import CleanSettings

Judged = list[tuple[str, bool]]


def judged(test_data: Path, part: str) -> Judged:
    """(concept, whether a picture can show it)."""
    places = json.loads(Path(__file__).with_name("visual_labels.json").read_text())[part]
    found: Judged = []
    for file, kinds in places.items():
        bank = list(json.loads((test_data / "concepts" / file).read_text()).values())
        found += [(bank[c][i], kind == "visual") for kind, of in kinds.items() for c, i in of]
    return found


def precision_and_recall(rows: Judged, taken_out: list[bool]) -> tuple[float, float]:
    """Of what is taken out the share that no picture shows; of what no picture shows the share that is taken out."""
    right = sum(out and not seen for (_, seen), out in zip(rows, taken_out, strict=True))
    return right / max(sum(taken_out), 1), right / sum(not seen for _, seen in rows)


@pytest.mark.parametrize(("part", "count"), [("tuned_on", 199), ("held_out", 120)])
def test_unseen_facts_are_taken_out_and_looks_are_kept(
    encoder: SentenceEncoder, test_data: Path, part: str, count: int
) -> None:
    rows = judged(test_data, part)
    margin = CleanSettings().visual_margin
    unseen = [score < margin for score in Visibility(encoder).scores([concept for concept, _ in rows])]
    both = [far or says_unseen(concept) for far, (concept, _) in zip(unseen, rows, strict=True)]
    figures = {
        "rules": precision_and_recall(rows, [says_unseen(concept) for concept, _ in rows]),
        "encoder": precision_and_recall(rows, unseen),
        "both": precision_and_recall(rows, both),
    }
    print(part, count, figures)
    assert len(rows) == count
    precision, recall = figures["both"]
    assert precision > 0.97
    assert recall > 0.94
    assert recall > figures["rules"][1]  # else the encoder would be of no use here


def test_nothing_is_scored_as_nothing(encoder: SentenceEncoder) -> None:
    assert Visibility(encoder).scores([]) == []
