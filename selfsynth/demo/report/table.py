"""The table of rounds: all figures for the page, those that fit 80 columns for the terminal. Pure."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from selfsynth.demo.figures import RoundFigures

COLUMNS = (
    "round",
    "accuracy (95% interval)",
    "explanation precision",
    "image-blind",
    "recall",
    "weighted precision",
    "weighted image-blind",
    "weighted recall",
    "repetition",
    "QA pairs",
    "fallbacks",
)
# Of those columns, and what they are called where every character counts.
_ON_THE_TERMINAL = {
    "round": "round",
    "accuracy (95% interval)": "accuracy (95%)",
    "explanation precision": "precision",
    "image-blind": "blind",
    "recall": "recall",
    "QA pairs": "pairs",
    "fallbacks": "fallbacks",
}
_LEGEND = """precision: of the cited features, right and visible; blind: unseen
recall: of the visible features, cited; the page tells more"""


def row_of(figures: RoundFigures) -> tuple[str, ...]:
    low, high = figures.accuracy_ci
    return (
        "base" if figures.round == 0 else str(figures.round),
        f"{figures.accuracy:.3f} ({low:.3f} to {high:.3f})",
        _share(figures.explanation_precision),
        _share(figures.image_blind_precision),
        _share(figures.explanation_recall),
        _share(figures.hidden_often_precision),
        _share(figures.hidden_often_image_blind),
        _share(figures.hidden_often_recall),
        _share(figures.repetition_rate),
        str(figures.qa_pairs) if figures.round else "",
        str(figures.fallbacks) if figures.round else "",
    )


def seconds_of(figures: RoundFigures) -> str:
    """The round's steps with their seconds, on one line."""
    name = "base" if figures.round == 0 else f"round {figures.round}"
    return f"{name}: " + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in figures.seconds.items())


def rounds_table(rounds: Sequence[RoundFigures], title: str) -> Table:
    """Its chief columns, no wider than 80 characters, with their meaning and the seconds of every step below."""
    below = "\n".join([_LEGEND, *map(seconds_of, rounds)])
    table = Table(
        title=title,
        title_justify="left",
        caption=below,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in _ON_THE_TERMINAL.values():
        table.add_column(name, no_wrap=True)
    for figures in rounds:
        of_column = dict(zip(COLUMNS, row_of(figures), strict=True))
        table.add_row(*(of_column[column] for column in _ON_THE_TERMINAL))
    return table


def _share(value: float) -> str:
    return "" if value != value else f"{value:.3f}"
