"""`selfsynth chat`: several turns about one image with what a job trained."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from selfsynth.api_errors import ApiError
from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console, show_error


def chat(
    job: Annotated[str, typer.Option(help="The job's id.")],
    image: Annotated[Path, typer.Option(exists=True, dir_okay=False, readable=True, help="The image to talk about.")],
    round_: Annotated[
        int | None, typer.Option("--round", min=0, help="Of that round, 0 the base; the best on validation by default.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 256,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Ask about an image, a line a turn; the end of the input ends it. Exit with 1 if the last turn had no answer."""
    screen, failed = console(), False
    said: list[dict[str, str]] = []
    with interruptible(), client_for(url, key, folder) as client:
        client.job(job)  # one that there is not is told of before anybody asks
        for line in _lines():
            try:
                answer = client.chat(job, image, [*said, _turn("user", line)], round_, max_tokens=max_tokens)
            except ApiError as error:
                show_error(error.message, error.remedy)
                failed = True
                continue
            if not said:
                screen.print(f"({answer['model']})", style="dim", markup=False)
            said += [_turn("user", line), _turn("assistant", answer["answer"] or "(nothing)")]
            failed = False
            screen.print(answer["answer"], markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _lines() -> Iterator[str]:
    """Those that say something; with a prompt where a person types them."""
    is_typed = sys.stdin.isatty()
    while True:
        if is_typed:
            console().print("> ", end="")
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()
