"""Writes a world as a data set in the reference's JSON layout, with the truth beside it for measuring only."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from selfsynth.demo.world.drawn import EASY
from selfsynth.demo.world.kinds import World
from selfsynth.demo.world.scene import BACKGROUNDS, Scene, random_scene, render

DOMAIN = "birds"


@dataclass(frozen=True)
class DrawnImage:
    """An image before it is rendered: what it shows, and what its label says."""

    id: str
    species: str
    label: str
    scene: Scene
    own_background: bool | None

    @property
    def truth(self) -> dict[str, Any]:
        return {
            "species": self.species,
            "attributes": dict(self.scene.attributes),
            "hidden": sorted(self.scene.hidden),
            "own_background": self.own_background,
        }


def write_dataset(folder: Path, seed: int, per_class: Mapping[str, int] | None = None, world: World = EASY) -> None:
    """Draw `per_class[split]` images (None: as the world says) of every species for each split.

    Writes images/<split>/*.png, birds-<split>.json (list of id, img_path relative to the folder, label),
    birds_visual_features.json (concept banks by species number) and truth.json (true species, attributes, hidden parts
    and background by id). The same seed gives the same files byte for byte; other seeds other images of the species.
    """
    truth: dict[str, Any] = {}
    for split, count in (per_class or world.per_class).items():
        rows = []
        for drawn in draw_images(world, split, count, seed):
            rows.append({"id": drawn.id, "img_path": f"images/{split}/{drawn.id}.png", "label": drawn.label})
            truth[drawn.id] = drawn.truth
            _save(drawn.scene, folder / rows[-1]["img_path"])
        _write_json(folder / f"{DOMAIN}-{split}.json", rows)
    _write_json(folder / f"{DOMAIN}_visual_features.json", _banks(world))
    _write_json(folder / "truth.json", truth)


def draw_images(world: World, split: str, count: int, seed: int) -> Iterator[DrawnImage]:
    """In a mixed order, so that neighbours are of different classes. What misleads is drawn by itself, so that it
    changes no pose."""
    rng, misleading = (random.Random(f"{DOMAIN} {split} {seed}{more}") for more in ("", " misleading"))
    names = [name for name in world.species for _ in range(count)]
    rng.shuffle(names)
    wrong = _wrongly_labelled(world, split, len(names), misleading)
    for number, name in enumerate(names):
        scene = random_scene(rng, world.species[name], world.hiding_rate)
        own, background = _background(world, split, name, misleading)
        yield DrawnImage(
            id=f"{split}-{number:04d}",
            species=name,
            label=misleading.choice([n for n in world.species if n != name]) if number in wrong else name,
            scene=replace(scene, background=background),
            own_background=own,
        )


def _wrongly_labelled(world: World, split: str, count: int, rng: random.Random) -> set[int]:
    """Numbers of the training images whose label is to be another."""
    return set(rng.sample(range(count), round(world.wrong_labels * count))) if split == "train" else set()


def _background(world: World, split: str, name: str, rng: random.Random) -> tuple[bool | None, int | None]:
    """Whether the species' own one was wanted, and the place of the background; any may be its own by chance."""
    if world.backgrounds is None:
        return None, None
    own = rng.random() < (0.5 if split == "test" else world.own_background)
    return own, world.backgrounds[name] if own else rng.randrange(len(BACKGROUNDS))


def _banks(world: World) -> dict[str, dict[str, Any]]:
    return {
        str(number): {"name": name, "visual_features": list(world.banks[name])}
        for number, name in enumerate(world.species, 1)
    }


def _save(scene: Scene, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(render(scene)).save(path)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
