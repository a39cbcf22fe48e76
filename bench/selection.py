"""Concept selection as the selector does it, against the method's own loop and a float64 oracle, on made-up embeddings.

The loop copies the embeddings of all other images together for every image. What it costs an image is the same for all,
so some images of the run are timed and the rest is reckoned; a whole run of it would take most of an hour. Both sides
have one thread and their time is that of the CPU, so that other work on the machine does not count; wall-clock time is
beside it. Each size runs in a process of its own; peak memory is what the process holds at most above what it held
before the embeddings were made. Prints and writes bench/results/selection.json.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from services.selector.concepts import ranked
from services.selector.evidence import Evidence
from shared.job_settings import resolve
from shared.types.concepts import ConceptBank
from shared.types.records import Description

_TAU = 0.1
_DESCRIPTIONS = 30  # an image
_CLASSES = 50
_TIMED_IMAGES = 20
_LOOK_S = 0.005
_RESULT = Path(__file__).parent / "results" / "selection.json"

_SETTINGS = resolve("paper", {}).select_concepts

Negatives = Literal["other_images", "other_classes"]
Figures = dict[str, float]


@dataclass(frozen=True)
class Size:
    """`loop`: the method's loop and the oracle are run too."""

    images: int
    concepts: int = 40  # a class
    width: int = 1024
    tau: float = _TAU
    loop: bool = False

    @property
    def pairs(self) -> float:
        return self.images * _DESCRIPTIONS * float(self.concepts * _CLASSES)


_GOAL = Size(2000, loop=True)
_SIZES = {
    "goal": _GOAL,
    "cold": Size(500, tau=0.01, loop=True),
    "quarter": Size(500),
    "half": Size(1000),
    "half_concepts": Size(1000, concepts=20),
    "large": Size(20_000),
}


class World:
    """Images of 50 classes by turns. A description tells some concepts of its class, and noise."""

    def __init__(self, size: Size) -> None:
        self.size = size
        draw = torch.Generator().manual_seed(0)
        classes_c1e = torch.randn(_CLASSES, 1, size.width, generator=draw)
        concepts_cze = torch.randn(_CLASSES, size.concepts, size.width, generator=draw) + 0.7 * classes_c1e
        self.concepts_cze = torch.nn.functional.normalize(concepts_cze, dim=-1)
        self.images_ide = torch.empty(size.images, _DESCRIPTIONS, size.width)
        for image, rows_de in enumerate(self.images_ide):
            seen = torch.randint(size.concepts, (_DESCRIPTIONS, 3), generator=draw)
            told_de = self.concepts_cze[self.class_of(image)][seen].sum(1)
            noise_de = torch.randn(_DESCRIPTIONS, size.width, generator=draw) / size.width**0.5
            torch.nn.functional.normalize(told_de + 1.5 * noise_de, dim=-1, out=rows_de)

    def class_of(self, image: int) -> int:
        return image % _CLASSES

    def images_of(self, class_: int) -> list[int]:
        return list(range(class_, self.size.images, _CLASSES))

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The embeddings themselves: a text is the number of its row."""
        rows = torch.tensor([int(text[1:]) for text in texts])
        return (self.concepts_cze if texts[0][0] == "z" else self.images_ide).flatten(0, 1)[rows]


def ours(world: World, negatives: Negatives) -> Tensor:
    """The selector's own code, from descriptions to scores: [I, Z]."""
    size = world.size
    labels = {f"i{image}": f"c{world.class_of(image)}" for image in range(size.images)}
    texts = [f"z{k}" for k in range(_CLASSES * size.concepts)]
    cut = range(0, len(texts), size.concepts)
    bank = ConceptBank(version=1, concepts={f"c{k}": tuple(texts[at : at + size.concepts]) for k, at in enumerate(cut)})
    evidence = Evidence(bank, labels, labels, world, size.tau, negatives)
    evidence.add_all(_descriptions(size))
    return torch.stack([evidence.scores(key) for key in labels])


def _descriptions(size: Size) -> Iterator[Description]:
    for row in range(size.images * _DESCRIPTIONS):
        image, sample = divmod(row, _DESCRIPTIONS)
        yield Description(example_id=f"i{image}", instruction=0, sample=sample, text=f"d{row}", finish_reason="stop")


def loop_of_the_method(world: World, images: Sequence[int]) -> Tensor:
    """The formula as it stands, image by image: [I, Z]."""
    scores, every = [], list(world.images_ide)
    for image in images:
        concepts_ze = world.concepts_cze[world.class_of(image)]
        others_ne = torch.cat([rows for other, rows in enumerate(every) if other != image])
        positive_dz = torch.exp(every[image] @ concepts_ze.T / world.size.tau)
        negative_z = torch.exp(concepts_ze @ others_ne.T / world.size.tau).sum(1)
        scores.append(torch.log(positive_dz / (positive_dz + negative_z)).sum(0))
    return torch.stack(scores)


def oracle(world: World, negatives: Negatives) -> Tensor:
    """The formula in float64, the negatives of each image added up anew, nothing taken off: [I, Z].

    Written with log1p, since log(p / (p + n)) loses a small n even in float64.
    """
    size = world.size
    scores = torch.empty(size.images, size.concepts, dtype=torch.float64)
    for class_ in range(_CLASSES):
        concepts_ez = world.concepts_cze[class_].double().T
        powers = [torch.exp(rows_de.double() @ concepts_ez / size.tau) for rows_de in world.images_ide]
        sums_iz = torch.stack([power_dz.sum(0) for power_dz in powers])
        for image in world.images_of(class_):
            counts_i = torch.ones(size.images, dtype=torch.float64)
            counts_i[world.images_of(class_) if negatives == "other_classes" else image] = 0
            scores[image] = -torch.log1p(counts_i @ sums_iz / powers[image]).sum(0)
    return scores


def measured(size: Size) -> Figures:
    """The figures of one size, from a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (size,))


def _measured(size: Size) -> Figures:
    torch.set_num_threads(1)
    ours(World(Size(_CLASSES, 2, width=8)), "other_images")  # what is loaded once is no part of the measure
    before = _memory_bytes()
    world = World(size)
    with _peak_memory() as peak:
        (cpu_s, wall_s), scores_iz = _timed(lambda: ours(world, "other_images"))
    figures = {
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "cpu_s_per_billion_pairs": cpu_s / size.pairs * 1e9,
        "peak_over_embeddings": (max(peak) - before) / (world.images_ide.numel() * world.images_ide.element_size()),
    }
    return figures | (_compared(world, cpu_s, wall_s, scores_iz) if size.loop else {})


def _compared(world: World, cpu_s: float, wall_s: float, scores_iz: Tensor) -> Figures:
    images = list(range(0, world.size.images, world.size.images // _TIMED_IMAGES))[:_TIMED_IMAGES]
    loop_of_the_method(world, images[:1])
    (loop_cpu_s, loop_wall_s), loop_iz = _timed(lambda: loop_of_the_method(world, images))
    share = world.size.images / len(images)
    true_iz = oracle(world, "other_images")
    true_of_classes_iz = oracle(world, "other_classes")
    of_classes_iz = ours(world, "other_classes")
    return {
        "speedup": loop_cpu_s * share / cpu_s,
        "speedup_wall": loop_wall_s * share / wall_s,
        "loop_cpu_s_an_image": loop_cpu_s / len(images),
        "max_relative_error": max(_error(scores_iz, true_iz), _error(of_classes_iz, true_of_classes_iz)),
        "loop_max_relative_error": _error(loop_iz, true_iz[images]),
        "images_with_another_choice": float(
            _others_chosen(scores_iz, true_iz) + _others_chosen(of_classes_iz, true_of_classes_iz)
        ),
    }


def _error(found_iz: Tensor, true_iz: Tensor) -> float:
    return float(((found_iz - true_iz) / true_iz).abs().max())


def _others_chosen(found_iz: Tensor, true_iz: Tensor) -> int:
    return sum(_chosen(one) != _chosen(other) for one, other in zip(found_iz, true_iz, strict=True))


def _chosen(scores_z: Tensor) -> set[str]:
    names = [str(k) for k in range(len(scores_z))]
    return {row.concept for row in ranked("x", names, scores_z, _SETTINGS) if row.chosen}


def _timed(work: Callable[[], Tensor]) -> tuple[tuple[float, float], Tensor]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return (time.process_time() - cpu, time.perf_counter() - wall), made


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """What the process held, looked at every few milliseconds: each matrix lives longer than that."""
    seen, over = [_memory_bytes()], threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_S):
            seen.append(_memory_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    yield seen
    over.set()
    watcher.join()


def _memory_bytes() -> int:
    """Of the process's own pages, without those of program files, which come and go."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def main() -> None:
    results: Figures = {}
    for name, size in _SIZES.items():
        figures = measured(size)
        print(f"{name:14s}{size.images:6d} images  " + "  ".join(f"{key} {v:.3g}" for key, v in figures.items()))
        results |= {f"{name}_{key}": float(f"{value:.4g}") for key, value in figures.items()}
    told = {key: results[f"goal_{key}"] for key in ("speedup", "max_relative_error", "peak_over_embeddings")}
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(told | results, indent=1) + "\n")


if __name__ == "__main__":
    main()
