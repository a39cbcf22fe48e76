"""A job as a tree of rounds and steps, and as plain lines. Pure: the API's JSON in, something to print out."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

Json = Mapping[str, Any]
_MARKS = {
    "pending": ("·", "dim"),
    "queued": ("◌", "dim"),
    "running": ("▶", "cyan"),
    "succeeded": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "cancelled": ("-", "yellow"),
}
_BAR_WIDTH = 28


def duration(seconds: float | None) -> str:
    """`7 s`, `3 min 05 s`, `2 h 10 min`; empty for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def job_tree(job: Json) -> RenderableType:
    """Every round with its accuracy and every step with its bar; warnings below."""
    tree = Tree(_headline(job), guide_style="dim")
    for round_ in job.get("rounds", []):
        branch = tree.add(Text(_round_title(round_), style="bold"))
        for step in round_["steps"]:
            branch.add(_step_row(step))
    return Group(tree, *(Text(f"warning: {warning}", style="yellow") for warning in job.get("warnings", ())))


def _headline(job: Json) -> Text:
    parts = [f"job {job['id']}", str(job["status"])]
    if not job["is_terminal"]:
        parts.append(f"{job.get('percent') or 0:.0f}%")
        if job.get("eta_s") is not None:
            parts.append(f"about {duration(job['eta_s'])} left")
    return Text("  ".join(parts), style="bold")


def _round_title(round_: Json) -> str:
    of_base = round_["round"] == 0 and any(step["step"] == "evaluate" for step in round_["steps"])
    name = f"round {round_['round']}" + (" (the base model)" if of_base else "")
    accuracy = round_.get("accuracy")
    return name if accuracy is None else f"{name}  accuracy {accuracy:.3f}"


def _step_row(step: Json) -> RenderableType:
    mark, style = _MARKS.get(step["status"], ("?", ""))
    row = Table.grid(padding=(0, 1))
    cells: list[RenderableType] = [Text(mark, style=style), Text(f"{step['step']:<16}", style=style)]
    if step["status"] == "running":
        percent = step.get("percent") or 0
        cells += [ProgressBar(total=100, completed=percent, width=_BAR_WIDTH), Text(f"{percent:3.0f}%")]
    cells.append(Text(duration(step.get("seconds")), style="dim"))
    if (step.get("attempts") or 0) > 1:
        cells.append(Text(f"attempt {step['attempts']}", style="yellow"))
    if step.get("waits_for"):
        cells.append(Text(f"waits: {step['waits_for']}", style="yellow"))
    row.add_row(*cells)
    return row


def result_line(round_: Json) -> str:
    """What a finished round came to: accuracy on the test split with its 95% interval, QA pairs, fallbacks."""
    figures = round_["figures"]
    parts = [f"round {round_['round']}: accuracy unknown"]
    if figures["accuracy"] is not None:
        low, high = figures["accuracy_ci"]
        parts = [f"round {round_['round']}: accuracy {figures['accuracy']:.3f} ({low:.3f} to {high:.3f})"]
    if figures["pairs"] is not None:
        parts.append(f"{figures['pairs']} QA pairs")
    if figures["fallbacks"]:
        parts.append(f"{figures['fallbacks']} of them fallbacks that only name the label")
    return ", ".join(parts)


def news(before: Json | None, job: Json) -> Iterator[str]:
    """What changed since `before`, a line each: steps that moved on, accuracies, warnings, the status."""
    known = _facts(before) if before else {}
    for fact, line in _facts(job).items():
        if known.get(fact) != line:
            yield line


def _facts(job: Json) -> dict[tuple[object, ...], str]:
    facts: dict[tuple[object, ...], str] = {}
    for round_ in job.get("rounds", []):
        number = round_["round"]
        for step in round_["steps"]:
            if step["status"] not in ("pending", "queued") or step.get("waits_for"):
                facts[(number, step["step"])] = f"round {number}  {step['step']:<16} {_step_words(step)}"
        if round_.get("accuracy") is not None:
            facts[(number,)] = f"round {number}  accuracy {round_['accuracy']:.3f}"
    for warning in job.get("warnings", ()):
        facts[("warning", warning)] = f"warning: {warning}"
    facts[()] = f"job {job['id']} {job['status']}"
    return facts


def _step_words(step: Json) -> str:
    if step.get("waits_for"):
        return f"waits: {step['waits_for']}"
    again = f" (attempt {step['attempts']})" if (step.get("attempts") or 0) > 1 else ""
    took = (
        f" in {duration(step['seconds'])}" if step["status"] == "succeeded" and step.get("seconds") is not None else ""
    )
    return f"{step['status']}{took}{again}"
