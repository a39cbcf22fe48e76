"""Concept scores in one pass against the method's own way of computing them, in the same run, on made-up embeddings.

The naive way copies all other images' embeddings together for every image. Prints and writes bench/results/
select_concepts.json: seconds, peak memory above the start (MB, of a process each) and ratios, at growing sizes.
"""

import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from services.selector.evidence import Evidence
from shared.types.concepts import ConceptBank
from shared.types.records import Description

_WIDTH = 384
_DESCRIPTIONS = 10  # an image
_CONCEPTS = 20  # a class
_IMAGES_OF_A_CLASS = 20
_TAU = 0.1
_SIZES = (200, 400, 800)
_RESULT = Path(__file__).parent / "results" / "select_concepts.json"


class NumberedEncoder:
    """A text is a number, and its embedding random but its own: no weights, so that only the scoring is measured."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        rows = [torch.randn(_WIDTH, generator=torch.Generator().manual_seed(int(text))) for text in texts]
        return torch.nn.functional.normalize(torch.stack(rows), dim=-1)


def bank_of(images: int) -> ConceptBank:
    classes = images // _IMAGES_OF_A_CLASS
    numbers = iter(range(10_000_000, 20_000_000))
    return ConceptBank(
        version=1, concepts={f"c{k}": tuple(str(next(numbers)) for _ in range(_CONCEPTS)) for k in range(classes)}
    )


def labels_of(images: int) -> dict[str, str]:
    return {f"i{k}": f"c{k // _IMAGES_OF_A_CLASS}" for k in range(images)}


def descriptions_of(images: int) -> Iterator[Description]:
    for number in range(images * _DESCRIPTIONS):
        image, sample = divmod(number, _DESCRIPTIONS)
        yield Description(example_id=f"i{image}", instruction=0, sample=sample, text=str(number), finish_reason="stop")


def ours(images: int) -> Tensor:
    labels = labels_of(images)
    evidence = Evidence(bank_of(images), labels, labels, NumberedEncoder(), _TAU, "other_images")
    evidence.add_all(descriptions_of(images))
    return torch.stack([evidence.scores(key) for key in labels])


def naive(images: int) -> Tensor:
    encoder, bank, labels = NumberedEncoder(), bank_of(images), labels_of(images)
    concepts = {label: encoder.encode(texts) for label, texts in bank.concepts.items()}
    embedded = encoder.encode([row.text for row in descriptions_of(images)]).split(_DESCRIPTIONS)
    scores = []
    for k, label in enumerate(labels.values()):
        others = torch.cat([rows for j, rows in enumerate(embedded) if j != k])
        own = (embedded[k] @ concepts[label].T / _TAU).double().exp()
        negatives = (others @ concepts[label].T / _TAU).double().exp().sum(0)
        scores.append((own / (own + negatives)).log().sum(0))
    return torch.stack(scores)


def measure(score: Callable[[int], Tensor], images: int) -> tuple[float, float, Tensor]:
    """Seconds, peak megabytes above the start, and the scores, from a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        seconds, megabytes, scores = pool.apply(_measured, (score, images))
    return seconds, megabytes, torch.tensor(scores, dtype=torch.float64)


def _measured(score: Callable[[int], Tensor], images: int) -> tuple[float, float, list[list[float]]]:
    torch.set_num_threads(1)
    NumberedEncoder().encode(["1"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    scores = score(images)
    seconds = time.perf_counter() - begun
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, scores.tolist()


def main() -> None:
    results: dict[str, float] = {}
    for images in _SIZES:
        (fast_s, fast_mb, fast), (slow_s, slow_mb, slow) = measure(ours, images), measure(naive, images)
        difference = float(((fast - slow) / slow).abs().max())
        figures = {
            "ours_s": fast_s,
            "naive_s": slow_s,
            "time_ratio": slow_s / fast_s,
            "ours_mb": fast_mb,
            "naive_mb": slow_mb,
            "memory_ratio": slow_mb / fast_mb,
            "largest_relative_difference": difference,
        }
        results |= {f"images_{images}_{name}": round(value, 10) for name, value in figures.items()}
        print(f"{images:5d} images  " + "  ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
