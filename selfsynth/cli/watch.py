"""Follows a job until it ends: a live tree on a terminal, a line a change elsewhere."""

from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.live import Live

from selfsynth.cli.terminal import show_error
from selfsynth.cli.tree import job_tree, news
from selfsynth.client import Client

Json = dict[str, Any]


def watch_job(client: Client, job_id: str, screen: Console) -> Json:
    """Return the ended job, however it ended."""
    if not screen.is_terminal:
        return client.wait(job_id, _line_printer(screen.print))
    with Live(console=screen, refresh_per_second=4) as live:
        return client.wait(job_id, lambda job: live.update(job_tree(job)))


def _line_printer(print_: Callable[[str], object]) -> Callable[[Json], None]:
    last: Json | None = None

    def on_update(job: Json) -> None:
        nonlocal last
        for line in news(last, job):
            print_(line)
        last = job

    return on_update


def demand_success(job: Json) -> None:
    """Exit with 1, telling cause and remedy, unless the job succeeded."""
    if job["status"] == "succeeded":
        return
    error = job.get("error") or {}
    show_error(
        error.get("message") or f"job {job['id']} ended {job['status']}",
        error.get("remedy") or f"See `selfsynth jobs events {job['id']}`.",
    )
    raise typer.Exit(1)
