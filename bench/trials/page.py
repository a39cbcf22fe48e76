"""The comparison as JSON, as a section of docs/benchmarks.md, and as a picture. Knows outcomes, not how they came."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from tools.tables import updated

NAME = "science"
PICTURE = "pictures/science.png"
_COLUMNS = {
    "accuracy": "accuracy",
    "own_background": "own sky",
    "any_background": "any sky",
    "pair_accuracy": "right or its twin",
    "worst_class": "worst class",
    "precision": "precision",
    "image_blind": "image-blind",
    "recall": "recall",
    "lets_go": "lets go of hidden",
    "keeps": "keeps the rest",
    "repetition": "repetition",
    "distinct": "distinct candidates",
    "pairs": "pairs",
}
_BARS = (("accuracy", "#2563eb"), ("precision", "#059669"), ("recall", "#9ca3af"))

Outcome = Mapping[str, Any]


def write(outcomes: Sequence[Outcome], meanings: Mapping[str, str], root: Path) -> None:
    """`meanings` says what each arm is, in the order to show them."""
    ordered = [one for arm in meanings for one in outcomes if one["arm"] == arm]
    (root / "bench/results/science.json").write_text(json.dumps(ordered, indent=1) + "\n")
    print(text := table(ordered, meanings))
    page = root / "docs/benchmarks.md"
    page.write_text(updated(page.read_text(), NAME, text))
    if ordered:
        draw(ordered, root / "docs" / PICTURE)


def table(outcomes: Sequence[Outcome], meanings: Mapping[str, str]) -> str:
    """A row an arm and round: means over the seeds, ± their standard deviation where there are several."""
    lines = [
        f"| arm | round | seeds | test images | {' | '.join(_COLUMNS.values())} |",
        "|---" * (len(_COLUMNS) + 4) + "|",
    ]
    for (arm, round_), found in _by_round(outcomes).items():
        cells = [_cell([one[name] for one in found if one.get(name) is not None], name) for name in _COLUMNS]
        images = sum(one["n"] for one in found)
        lines.append(f"| {meanings[arm]} | {round_ or 'base'} | {len(found)} | {images} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Each arm's last round that all of its seeds have: accuracy, precision and recall, means over seeds."""
    last: dict[str, list[Outcome]] = {}
    for (arm, _), found in _by_round(outcomes).items():
        last[arm] = found
    figure, axes = plt.subplots(figsize=(9, 0.6 + 0.55 * len(last)), layout="constrained")
    for k, (name, colour) in enumerate(_BARS):
        means = [mean([one[name] or 0.0 for one in found]) for found in last.values()]
        places = [place + 0.25 * (k - 1) for place in range(len(last))]
        axes.barh(places, means, height=0.22, color=colour, label=name)
    axes.set_yticks(range(len(last)), [arm.replace("_", " ") for arm in last])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, facecolor="white")
    plt.close(figure)


def _by_round(outcomes: Sequence[Outcome]) -> dict[tuple[str, int], list[Outcome]]:
    """The figures of each arm's rounds over the seeds; of the base's own figures only those of the arm `base`."""
    found: dict[tuple[str, int], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        for round_, figures in enumerate(one["rounds"]):
            if round_ or one["arm"] == "base":
                found[one["arm"], round_].append(figures)
    return dict(found)


def _cell(values: Sequence[float], name: str) -> str:
    if not values:
        return ""
    digits = {"pairs": 0, "distinct": 2}.get(name, 3)
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"
