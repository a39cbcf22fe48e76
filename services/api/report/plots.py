"""Points of the plots, in the coordinates of their SVG: x to the right, y down. Pure; the templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.api.report.contents import Confusion, LossCurve, RoundReport
from shared.scoring.statistics.bootstrap import Estimate
from shared.scoring.statistics.calibration import Calibration

WIDTH, HEIGHT = 460, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 34
_MOST_CLASSES = 60
_CELL_MOST_PX, _MATRIX_PX = 22, 460


@dataclass(frozen=True)
class Scale:
    """From [low, high] to pixels."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.begin + share * (self.end - self.begin), 1)


@dataclass(frozen=True)
class Bar:
    """A value with its interval."""

    x: float
    y: float
    top: float
    bottom: float
    text: str


@dataclass(frozen=True)
class Line:
    name: str
    colour: str
    points: str
    bars: Sequence[Bar] = ()


@dataclass(frozen=True)
class Plot:
    """`x_ticks` and `y_ticks` are (place in pixels, what stands there)."""

    title: str
    lines: Sequence[Line]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    x_name: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True)
class Cell:
    x: float
    y: float
    shade: float
    text: str
    is_right: bool


@dataclass(frozen=True)
class Matrix:
    cells: Sequence[Cell]
    size: float
    width: float
    height: float


def accuracy_plot(rounds: Sequence[RoundReport]) -> Plot | None:
    """Test and validation accuracy by round with their intervals; None while nothing is measured."""
    measured = [(entry.round, entry.statistics) for entry in rounds if entry.statistics]
    if not measured:
        return None
    numbers = [number for number, _ in measured]
    x = _across(min(numbers), max(numbers), margin=28)
    splits = (
        ("test", "#2563eb", [(n, s.test.shown_accuracy()) for n, s in measured if s.test], -3),
        ("validation", "#059669", [(n, s.validation.shown_accuracy()) for n, s in measured if s.validation], 3),
    )
    lines = [_line(name, colour, found, x, shift) for name, colour, found, shift in splits if found]
    ticks = [(x(number), "base" if number == 0 else f"round {number}") for number in numbers]
    return Plot("Accuracy by round, with 95% intervals", lines, ticks, _shares())


def _line(name: str, colour: str, values: Sequence[tuple[int, Estimate]], x: Scale, shift: int) -> Line:
    y = _down(0, 1)
    bars = [
        Bar(x(n) + shift, y(v.value), y(v.high), y(v.low), f"{name}: {v.value:.3f} ({v.low:.3f} to {v.high:.3f})")
        for n, v in values
    ]
    return Line(name, colour, " ".join(f"{bar.x},{bar.y}" for bar in bars), bars)


def loss_plot(rounds: Sequence[RoundReport]) -> Plot | None:
    """Each round's training loss by optimiser step."""
    curves = [(entry.round, entry.loss) for entry in rounds if entry.loss and entry.loss.points]
    if not curves:
        return None
    steps = [step for _, curve in curves for step, _ in curve.points]
    most = max(loss for _, curve in curves for _, loss in curve.points)
    x, y = _across(min(steps), max(steps)), _down(0, most)
    colours = ("#2563eb", "#059669", "#d97706", "#7c3aed", "#dc2626", "#0891b2", "#65a30d", "#475569")
    lines = [_curve(f"round {n}", colours[k % len(colours)], curve, x, y) for k, (n, curve) in enumerate(curves)]
    y_ticks = [(y(most * k / 4), f"{most * k / 4:.2f}") for k in range(5)]
    return Plot("Training loss", lines, _step_ticks(steps, x), y_ticks, x_name="optimiser step")


def _curve(name: str, colour: str, curve: LossCurve, x: Scale, y: Scale) -> Line:
    return Line(name, colour, " ".join(f"{x(step)},{y(loss)}" for step, loss in curve.points))


def _step_ticks(steps: Sequence[int], x: Scale) -> list[tuple[float, str]]:
    first, last = min(steps), max(steps)
    return [(x(step), str(step)) for step in dict.fromkeys((first, (first + last) // 2, last))]


def calibration_plot(found: Calibration) -> Plot:
    """Share that is right against the probability told; the diagonal is what it should be."""
    x, y = _across(0, 1), _down(0, 1)
    filled = [(b.confidence, b.accuracy) for b in found.bins if b.confidence is not None and b.accuracy is not None]
    lines = [
        Line("as it should be", "#9ca3af", f"{x(0)},{y(0)} {x(1)},{y(1)}"),
        Line("as it is", "#2563eb", " ".join(f"{x(told)},{y(right)}" for told, right in filled)),
    ]
    ticks = [(x(share), text) for share, text in ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))]
    return Plot(
        "Calibration: share that is right", lines, ticks, _shares(), x_name="probability of the likeliest class"
    )


def confusion_matrix(confusion: Confusion) -> Matrix | None:
    """Rows are true classes. None where there are too many for a picture."""
    rows, columns = len(confusion.labels), len(confusion.columns)
    if columns > _MOST_CLASSES:
        return None
    size = min(_CELL_MOST_PX, _MATRIX_PX / columns)
    totals = [0] * rows
    for i, _, count in confusion.cells:
        totals[i] += count
    cells = [
        Cell(
            round(j * size, 1), round(i * size, 1), round(count / totals[i], 3),
            f"{confusion.labels[i]} decided as {confusion.columns[j]}: {count} of {totals[i]}", i == j,
        )
        for i, j, count in confusion.cells
    ]  # fmt: skip
    return Matrix(cells, round(size, 1), round(columns * size, 1), round(rows * size, 1))


def _across(low: float, high: float, margin: int = 0) -> Scale:
    return Scale(low, high, _LEFT + margin, WIDTH - _RIGHT - margin)


def _down(low: float, high: float) -> Scale:
    return Scale(low, high, HEIGHT - _BOTTOM, _TOP)


def _shares() -> list[tuple[float, str]]:
    y = _down(0, 1)
    return [(y(k / 4), f"{k / 4:.2f}") for k in range(5)]
