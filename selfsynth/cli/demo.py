"""`selfsynth demo`: the whole loop on drawn birds, on this machine or on a named API."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.target import Key, Url, is_named
from selfsynth.cli.up import Engine


class World(StrEnum):
    """The names in selfsynth.demo.world.drawn, which takes long to import."""

    EASY = "easy"
    HARD = "hard"


def demo(
    seed: Annotated[int, typer.Option(help="Seed of the world, the job and everything in it.")] = 0,
    control: Annotated[bool, typer.Option("--control", help="Also train on labels alone, to compare.")] = False,
    engine: Engine = "transformers",
    world: Annotated[
        World, typer.Option(help="hard: twins, few images, wrong labels, backgrounds and concepts that mislead.")
    ] = World.EASY,
    folder: Annotated[Path, typer.Option(help="Where everything it makes is left to look at.")] = Path("build/demo"),
    url: Url = None,
    key: Key = None,
) -> None:
    """A tiny model learns the names of drawn birds, and says what shows them."""
    from selfsynth.client import Client
    from selfsynth.demo.run import main

    named = is_named(url, key)
    with interruptible():
        main(folder, seed, control, engine, world.value, Client(url, key) if named and url and key else None)
