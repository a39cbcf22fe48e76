"""The table of rounds, for the terminal and for the page. Pure."""

from collections.abc import Sequence

from rich.table import Table

from selfsynth.demo.figures import RoundFigures

COLUMNS = (
    "round",
    "accuracy (95% interval)",
    "explanation precision",
    "image-blind",
    "recall",
    "weighted precision",
    "image-blind",
    "weighted recall",
    "repetition",
    "QA pairs",
    "fallbacks",
)


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
    """The table, with the seconds of every step below it."""
    seconds = "\n".join(seconds_of(figures) for figures in rounds)
    table = Table(title=title, title_justify="left", caption=seconds, caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for figures in rounds:
        table.add_row(*row_of(figures))
    return table


def _share(value: float) -> str:
    return "" if value != value else f"{value:.3f}"
