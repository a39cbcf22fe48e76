"""The report as one page of HTML, its pictures inside it, or as Markdown. Pure: a report in, text out."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from services.api.report.benchmark_table import benchmark_table
from services.api.report.contents import EncoderLine, ExampleReport, Report, RoundReport, SplitFigures
from services.api.report.plots import accuracy_plot, calibration_plot, confusion_matrix, loss_plot
from shared.scoring.statistics.bootstrap import Estimate
from shared.scoring.statistics.confusion import ClassRow
from shared.types.encoders import EncoderFacts

_KINDS = {
    "best": "Best answers",
    "worst": "Worst answers",
    "gained": "Became right in the last round",
    "lost": "Became wrong in the last round",
}
_COLUMNS = (
    "round", "accuracy", "change", "p", "balanced", "macro-F1", "validation", "substring", "none", "several", "repeats",
    "words",
)  # fmt: skip
_SUSPECT_COLUMNS = ("image", "label", "the model says", "share of its answers", "that name the label")
_MOST_CLASSES = 40
_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|"})


def html_of(report: Report) -> str:
    return _pages().get_template("report.html.j2").render(**_values(report), **_drawn(report))


def markdown_of(report: Report) -> str:
    return _pages().get_template("report.md.j2").render(**_values(report)).rstrip() + "\n"


@lru_cache(maxsize=1)
def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("services.api.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"share": _share, "md": _markdown, "moment": _moment}
    pages.globals["table"] = _table
    return pages


def _values(report: Report) -> dict[str, Any]:
    rounds = report.rounds
    return {
        "report": report,
        "names": {entry.round: _name(entry.round) for entry in rounds},
        "round_columns": _COLUMNS,
        "round_rows": [_round_row(entry) for entry in rounds],
        "grouped": any(_is_grouped(entry) for entry in rounds),
        "examples": _by_kind(report.examples),
        "encoders": encoders_shown(report.lineage.encoders),
        "tables": [
            ("Selection", *_named(rounds, [entry.selection for entry in rounds])),
            ("Explanations", *_named(rounds, [entry.explanation for entry in rounds])),
            ("General ability", *benchmark_table(rounds, _name)),
            ("Training images that may be labelled wrongly", _SUSPECT_COLUMNS, _suspects(report)),
            ("Time and cost", ("step", "status", "seconds", "worker seconds", "attempts", "shards"), _costs(report)),
        ],
    }  # fmt: skip


def _drawn(report: Report) -> dict[str, Any]:
    shown = _shown(report)
    statistics = shown.statistics if shown else None
    worst_first = sorted(statistics.classes, key=lambda row: row.recall) if statistics else []
    classes: list[ClassRow] = worst_first[:_MOST_CLASSES]
    calibrated = statistics.calibration.get("test") if statistics else None
    plots = [
        accuracy_plot(report.rounds),
        loss_plot(report.rounds),
        calibration_plot(calibrated) if calibrated else None,
    ]
    return {
        "plots": [plot for plot in plots if plot],
        "shown_round": shown.round if shown else None,
        "classes": classes,
        "left_out": len(worst_first) - len(classes),
        "confusion": confusion_matrix(statistics.confusion) if statistics and statistics.confusion else None,
        "lineage": json.loads(report.lineage.model_dump_json()),
    }


def _shown(report: Report) -> RoundReport | None:
    """The best round, or else the last that was measured."""
    measured = {entry.round: entry for entry in report.rounds if entry.statistics}
    if report.best_round in measured:
        return measured[report.best_round]
    return measured[max(measured)] if measured else None


def _round_row(entry: RoundReport) -> list[str]:
    name, found = _name(entry.round), entry.statistics
    if found is None or found.test is None:
        return [name, "", "", "", "", "", _accuracy(found.validation if found else None), *[""] * 5]
    test, change = found.test, found.against_previous
    return [
        name,
        _accuracy(test),
        _change(change.difference) if change else "",
        f"{change.p_mid:.2g}" if change else "",
        _estimate(test.balanced_accuracy),
        _estimate(test.macro_f1),
        _accuracy(found.validation),
        *(_share(value) for value in (test.substring_accuracy, test.names_none, test.names_several)),
        _share(test.repetition_rate),
        f"{test.words:.0f}",
    ]  # fmt: skip


def _named(rounds: Sequence[RoundReport], figures: Sequence[dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """A column a round, a row a figure that any round has."""
    there = [(entry, found) for entry, found in zip(rounds, figures, strict=True) if found]
    names = dict.fromkeys(name for _, found in there for name in found)
    rows = [[name.replace("_", " "), *(_number(found.get(name)) for _, found in there)] for name in names]
    return ["", *(_name(entry.round) for entry, _ in there)], rows


def _costs(report: Report) -> list[list[str]]:
    steps = [
        [
            f"{_name(entry.round)}: {step.step}", step.status, _number(step.seconds), f"{step.worker_seconds:.1f}",
            str(step.attempts), str(step.shards),
        ]
        for entry in report.rounds
        for step in entry.steps
    ]  # fmt: skip
    return [*steps, ["in all", report.status, _number(report.seconds), f"{report.worker_seconds:.1f}", "", ""]]


def _suspects(report: Report) -> list[list[str]]:
    return [
        [row.example_id, row.label, row.instead, _share(row.share), _share(row.own_share)]
        for row in report.suspect_labels
    ]


def _by_kind(examples: Iterable[ExampleReport]) -> list[tuple[str, list[ExampleReport]]]:
    found = {title: [each for each in examples if each.kind == kind] for kind, title in _KINDS.items()}
    return [(title, each) for title, each in found.items() if each]


def encoders_shown(lines: Sequence[EncoderLine]) -> list[tuple[EncoderFacts, str]]:
    """Each encoder, and the steps that it scored where there are several."""
    found: dict[EncoderFacts, list[str]] = {}
    for line in lines:
        facts = EncoderFacts(name=line.name, prefix=line.prefix, identity=line.identity)
        found.setdefault(facts, []).append(f"{_name(line.round)}: {line.step}")
    return [(facts, ", ".join(steps) if len(found) > 1 else "") for facts, steps in found.items()]


def _name(round_: int) -> str:
    return f"round {round_}" if round_ else "base"


def _accuracy(found: SplitFigures | None) -> str:
    return _estimate(found.shown_accuracy() if found else None)


def _estimate(found: Estimate | None) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found else ""


def _change(found: Estimate) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _is_grouped(entry: RoundReport) -> bool:
    found = entry.statistics
    return bool(found and found.against_previous and found.against_previous.grouped)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _markdown(text: object) -> str:
    """On one line, and only text to a reader of Markdown."""
    return " ".join(str(text).split()).translate(_MARKUP)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(columns), ["---"] * len(columns), *(map(_markdown, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
