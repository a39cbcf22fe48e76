"""Where the command writes: results to standard output, errors to standard error."""

from rich.console import Console
from rich.text import Text


def console() -> Console:
    """Made when asked for, so that it writes to the standard output of that moment."""
    return Console(highlight=False)


def show_error(message: str, remedy: str) -> None:
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text(f"error: {message}", style="bold red"))
    if remedy:
        errors.print(Text(f"       {remedy}"))
