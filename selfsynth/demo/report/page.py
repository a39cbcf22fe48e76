"""Writes report.json, report.md, report.html and the plots into a folder."""

import base64
import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, select_autoescape

from selfsynth.demo.report.contents import Report
from selfsynth.demo.report.plots import plot_examples, plot_rounds
from selfsynth.demo.report.table import COLUMNS, row_of, seconds_of


def write_page(report: Report, folder: Path) -> Path:
    """Returns the HTML page's path. The page is one file: its pictures are inside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    plot_rounds(report.rounds, folder / "rounds.png")
    plot_examples(report.examples, folder / "examples.png")
    (folder / "report.md").write_text(_render("report.md.j2", report, folder, escaped=False))
    page = folder / "report.html"
    page.write_text(_render("report.html.j2", report, folder, escaped=True))
    return page


def _render(name: str, report: Report, folder: Path, *, escaped: bool) -> str:
    source = files("selfsynth.demo.report").joinpath(name).read_text()
    environment = Environment(autoescape=select_autoescape(default=escaped), trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        report=report,
        columns=COLUMNS,
        rows=[row_of(figures) for figures in report.rounds],
        seconds=[seconds_of(figures) for figures in report.rounds],
        control_rows=[row_of(figures) for figures in report.control],
        rounds_png=_inline(folder / "rounds.png"),
        examples_png=_inline(folder / "examples.png"),
    )


def _inline(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
