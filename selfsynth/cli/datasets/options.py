"""Options that several of the commands about data sets take."""

from typing import Annotated, Literal

import typer

Layout = Annotated[str | None, typer.Option(help="The layout's name; found out by default.")]
Option = Annotated[list[str] | None, typer.Option(help="An option of the layout's reader, as NAME=VALUE.")]
Policy = Annotated[
    Literal["refuse", "skip"], typer.Option(help="What unusable images do: refuse the data set, or skip them.")
]
