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
from scipy.stats import t as student

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
    "lets_go_unrelated": "lets go, another hidden",
    "keeps": "keeps the rest",
    "renames": "names another class",
    "renames_unrelated": "the same, another hidden",
    "repetition": "repetition",
    "distinct": "distinct candidates",
    "suspects_precision": "suspects: wrong labels among them",
    "suspects_recall": "wrong labels found",
    "pairs": "pairs",
    "steps": "steps",
}
_COMPARED = ("accuracy", "own_background", "any_background", "precision", "recall", "lets_go")
_PANELS = (
    {"own_background": "#93c5fd", "any_background": "#2563eb"},
    {"precision": "#059669", "recall": "#9ca3af", "lets_go": "#f59e0b"},
)

Outcome = Mapping[str, Any]


def write(outcomes: Sequence[Outcome], meanings: Mapping[str, str], root: Path) -> None:
    """`meanings` says what each arm is, in the order to show them."""
    ordered = [one for arm in meanings for one in outcomes if one["arm"] == arm]
    (root / "bench/results/science.json").write_text(json.dumps(ordered, indent=1) + "\n")
    print(text := f"{table(ordered, meanings)}\n{differences(ordered, meanings)}")
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


def differences(outcomes: Sequence[Outcome], meanings: Mapping[str, str], one: str = "ours") -> str:
    """By how much `one` is ahead of each other arm in the same round and seeds, with a 95% interval (paired t)."""
    rows = _by_seed(outcomes)
    rounds = sorted({round_ for arm, round_ in rows if arm == one})
    lines = [f"| {one} minus | round | seeds | {' | '.join(_COLUMNS[name] for name in _COMPARED)} |"]
    lines.append("|---" * (len(_COMPARED) + 3) + "|")
    for arm, round_ in ((arm, round_) for arm in meanings for round_ in rounds):
        own, other = rows.get((one, round_), {}), rows.get((arm, round_), {})
        seeds = sorted(own.keys() & other.keys())
        if arm == one or not seeds:
            continue
        cells = [
            _interval([own[s][name] - other[s][name] for s in seeds if other[s].get(name) is not None])
            for name in _COMPARED
        ]
        lines.append(f"| {meanings[arm]} | {round_} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Two panels, a row an arm and round: accuracy where the sky misleads and where it does not; what is cited. Bars
    are means over the seeds, dots the seeds."""
    found = {key: rows for key, rows in _by_round(outcomes).items() if key[0] != "base"}
    figure, panels = plt.subplots(1, 2, figsize=(12, 1 + 0.5 * len(found)), layout="constrained", sharey=True)
    for axes, shown in zip(panels, _PANELS, strict=True):
        _bars(axes, list(found.values()), shown)
    blind = [one["image_blind"] for rows in found.values() for one in rows]
    panels[1].axvline(mean(blind), color="#111827", linewidth=1, linestyle=":", label="precision without looking")
    panels[0].set_yticks(range(len(found)), [f"{arm.replace('_', ' ')}, round {n}" for arm, n in found])
    panels[0].invert_yaxis()
    for axes, name in zip(panels, ("accuracy", "cited parts, share"), strict=True):
        axes.set_xlabel(name)
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, facecolor="white")
    plt.close(figure)


def _bars(axes: Any, found: Sequence[Sequence[Outcome]], shown: Mapping[str, str]) -> None:
    height = 0.8 / len(shown)
    for k, (name, colour) in enumerate(shown.items()):
        for row, seeds in enumerate(found):
            values = [one[name] for one in seeds if one.get(name) is not None]
            place = row + height * (k - (len(shown) - 1) / 2)
            label = {"label": _COLUMNS[name]} if row == 0 else {}
            axes.barh(place, mean(values) if values else 0.0, height=0.9 * height, color=colour, **label)
            axes.plot(values, [place] * len(values), ".", color="#111827", markersize=3)
    axes.set_xlim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)


def _by_seed(outcomes: Sequence[Outcome]) -> dict[tuple[str, int], dict[int, Outcome]]:
    """Figures by arm and round, and in these by seed; the base's own are not among them, nor what is as `ours` is."""
    found: dict[tuple[str, int], dict[int, Outcome]] = defaultdict(dict)
    for one in outcomes:
        for round_, figures in enumerate(one["rounds"][1:], 1):
            if not figures.get("as_ours"):
                found[one["arm"], round_][one["seed"]] = figures
    return dict(found)


def _interval(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = mean(values)
    if len(values) == 1:
        return f"{middle:+.3f}"
    reach = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{middle:+.3f} ({middle - reach:+.3f} to {middle + reach:+.3f})"


def _by_round(outcomes: Sequence[Outcome]) -> dict[tuple[str, int], list[Outcome]]:
    """The figures of each arm's rounds over the seeds, but for what is as `ours` is; of the base's own figures only
    those of the arm `base`."""
    found: dict[tuple[str, int], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        for round_, figures in enumerate(one["rounds"]):
            if (round_ or one["arm"] == "base") and not figures.get("as_ours"):
                found[one["arm"], round_].append(figures)
    return dict(found)


def _cell(values: Sequence[float], name: str) -> str:
    if not values:
        return ""
    digits = {"pairs": 0, "steps": 0, "distinct": 2}.get(name, 3)
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"
