"""The `selfsynth` command. Its process edge: here errors become one red line and an exit code."""

import sys
from collections.abc import Sequence

from selfsynth.cli.app import app
from selfsynth.cli.interrupts import Interrupted
from selfsynth.cli.terminal import show_error
from shared.errors import SelfSynthError


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit codes: 0 done, 1 an error (with its remedy), 2 wrong usage, 128 + n ended by signal n."""
    try:
        app(arguments)
    except SelfSynthError as error:
        show_error(error.message, error.remedy)
        sys.exit(1)
    except Interrupted as interrupted:
        sys.exit(128 + interrupted.signal)
