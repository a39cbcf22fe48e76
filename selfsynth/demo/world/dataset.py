"""Writes the world as a data set in the reference's JSON layout, with the truth beside it for measuring only."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from selfsynth.demo.world.scene import Scene, random_scene, render
from selfsynth.demo.world.species import concept_bank, species

DOMAIN = "birds"
HIDING_RATE = 0.25  # a little less than in the pictures that the base was trained on
PER_CLASS: Mapping[str, int] = {"train": 30, "validation": 8, "test": 25}


def write_dataset(folder: Path, seed: int, per_class: Mapping[str, int] = PER_CLASS) -> None:
    """Draw `per_class[split]` images of every species for each split.

    Writes images/<split>/*.png, birds-<split>.json (list of id, img_path relative to the folder, label),
    birds_visual_features.json (concept banks by species number) and truth.json (attributes and hidden parts by id).
    The same seed gives the same files byte for byte; other seeds give other images of the same species.
    """
    truth: dict[str, Any] = {}
    for split, count in per_class.items():
        rows = []
        for id_, label, scene in _scenes(split, count, seed):
            rows.append({"id": id_, "img_path": f"images/{split}/{id_}.png", "label": label})
            truth[id_] = {"attributes": dict(scene.attributes), "hidden": sorted(scene.hidden)}
            _save(scene, folder / rows[-1]["img_path"])
        _write_json(folder / f"{DOMAIN}-{split}.json", rows)
    _write_json(folder / f"{DOMAIN}_visual_features.json", _banks())
    _write_json(folder / "truth.json", truth)


def _scenes(split: str, count: int, seed: int) -> Iterator[tuple[str, str, Scene]]:
    """Ids, labels and scenes in a mixed order, so that neighbours are of different classes."""
    rng = random.Random(f"{DOMAIN} {split} {seed}")
    known = species()
    labels = [name for name in known for _ in range(count)]
    rng.shuffle(labels)
    for number, label in enumerate(labels):
        yield f"{split}-{number:04d}", label, random_scene(rng, known[label], HIDING_RATE)


def _banks() -> dict[str, dict[str, Any]]:
    return {
        str(number): {"name": name, "visual_features": concept_bank(name)} for number, name in enumerate(species(), 1)
    }


def _save(scene: Scene, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(render(scene)).save(path)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
