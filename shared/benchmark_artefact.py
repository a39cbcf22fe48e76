"""The artefact that a benchmark leaves: the answers are its rows, the scores stand in its manifest."""

from shared.artefacts import read_manifest, read_rows
from shared.objects import ObjectStore
from shared.scoring.benchmark import Benchmarked
from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore

SCORES = "scores"


def read_benchmarked(store: ObjectStore, key: str) -> Benchmarked:
    """From its manifest's key."""
    scores = [BenchmarkScore.model_validate(each) for each in read_manifest(store, key).extra[SCORES]]
    return Benchmarked(scores=scores, answers=list(read_rows(store, [key], BenchmarkAnswer)))
