"""The report's plots as PNG files. Knows figures, not where they come from."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from selfsynth.demo.figures import RoundFigures
from selfsynth.demo.report.contents import ExplainedImage

_INK = "#1f2937"
_BLUE = "#2563eb"
_GREEN = "#059669"
_GREY = "#9ca3af"


def plot_rounds(rounds: Sequence[RoundFigures], path: Path) -> None:
    """Accuracy with its interval on the left; precision, recall and the image-blind line on the right."""
    x = [figures.round for figures in rounds]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    accuracy = [f.accuracy for f in rounds]
    below = [f.accuracy - f.accuracy_ci[0] for f in rounds]
    above = [f.accuracy_ci[1] - f.accuracy for f in rounds]
    left.errorbar(x, accuracy, yerr=[below, above], color=_BLUE, marker="o", capsize=4)
    left.set_title("names the class (test)", color=_INK)
    right.plot(x, [f.explanation_precision for f in rounds], color=_GREEN, marker="o", label="precision")
    right.plot(x, [f.explanation_recall for f in rounds], color=_BLUE, marker="s", label="recall")
    right.plot(x, [f.image_blind_precision for f in rounds], color=_GREY, linestyle="--", label="image-blind precision")
    right.set_title("cites features that are visible", color=_INK)
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        axes.set_ylim(0, 1.03)
        axes.set_xticks(x, ["base", *(f"round {n}" for n in x[1:])])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    _save(figure, path)


def plot_examples(examples: Sequence[ExplainedImage], path: Path) -> None:
    """Each image with what the base and the final model say of it."""
    figure, rows = plt.subplots(
        len(examples), 2, figsize=(9, 2.1 * len(examples)), width_ratios=(1, 3.6), layout="constrained", squeeze=False
    )
    for (picture, words), example in zip(rows, examples, strict=True):
        picture.imshow(plt.imread(example.image), interpolation="nearest")
        picture.set_title(example.label, fontsize=10, color=_INK)
        picture.axis("off")
        words.axis("off")
        words.text(0, 0.95, "before", color=_GREY, fontsize=9, va="top")
        words.text(0, 0.82, example.base_answer, color=_INK, fontsize=9, va="top", wrap=True)
        words.text(0, 0.45, "after", color=_GREEN, fontsize=9, va="top")
        words.text(0, 0.32, example.final_answer, color=_INK, fontsize=9, va="top", wrap=True)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=120, facecolor="white")
    plt.close(figure)
