"""The default way to choose concepts against what was measured."""

import json
from pathlib import Path

from shared.job_settings import JobSettings

_RESULT = Path(__file__).parents[2] / "bench" / "results" / "concept_evidence.json"


def test_the_default_is_the_evidence_and_threshold_with_the_best_f1() -> None:
    figures = json.loads(_RESULT.read_text())
    names = {name.removesuffix("_recall") for name in figures if "_std_" in name and name.endswith("_recall")}
    inverses = {name: 1 / figures[f"{name}_precision"] + 1 / figures[f"{name}_recall"] for name in names}
    chosen = JobSettings().select_concepts
    assert min(inverses, key=inverses.__getitem__) == f"{chosen.evidence}_std_{chosen.threshold_std}"
