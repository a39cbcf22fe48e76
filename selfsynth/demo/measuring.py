"""Fetches what a finished job left and measures it against the drawn world. Knows the client, not the stack."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfsynth.client import Client
from selfsynth.demo.figures import RoundFigures, figures_of
from selfsynth.demo.report import ExplainedImage
from selfsynth.demo.world.attributes import MEANING
from selfsynth.demo.world.measure import Truth, read_truth
from shared.types.records import Prediction, ScoredConcept


class FinishedJob:
    """A job's predictions by round, and the truth of its images. `folder` is the world's folder."""

    def __init__(self, client: Client, job: Mapping[str, Any], folder: Path) -> None:
        self._client = client
        self._job = job
        self._folder = folder
        self.truth: dict[str, Truth] = read_truth(folder / "truth.json")
        self._predictions = {r["round"]: self._rows(r["round"], "evaluate") for r in job["rounds"]}

    def rounds(self) -> tuple[RoundFigures, ...]:
        return tuple(self._figures(entry) for entry in self._job["rounds"])

    def selection(self) -> dict[str, float]:
        """Precision of round 1's chosen concepts, and of the whole bank: is the feature visible in the image?"""
        counts: Counter[tuple[bool, bool]] = Counter()
        for row in self._client.download_artefact(self._job["id"], 1, "select_concepts"):
            concept = ScoredConcept.model_validate(row)
            visible = MEANING.get(concept.concept) in self.truth[concept.example_id].visible
            counts[concept.chosen, visible] += 1
        chosen, right = counts[True, True] + counts[True, False], counts[True, True]
        return {"precision": right / chosen, "bank_precision": (right + counts[False, True]) / counts.total()}

    def examples(self, count: int) -> tuple[ExplainedImage, ...]:
        """Test images of different classes with something hidden, named rightly by the last round where there are."""
        last = self._predictions[self._job["rounds"][-1]["round"]]
        before = {p.example_id: p.answer for p in self._predictions[0]}
        wanted = sorted((p for p in last if p.split == "test"), key=lambda p: (not p.correct, p.example_id))
        shown: dict[str, Prediction] = {}
        for prediction in wanted:
            if len(shown) < count and self.truth[prediction.example_id].hidden:
                shown.setdefault(prediction.label, prediction)
        images = _image_paths(self._folder)
        return tuple(
            ExplainedImage(
                image=images[p.example_id],
                label=p.label,
                hidden=tuple(sorted(self.truth[p.example_id].hidden)),
                base_answer=before[p.example_id],
                final_answer=p.answer,
            )
            for p in shown.values()
        )

    def _rows(self, round_: int, step: str) -> list[Prediction]:
        rows = self._client.download_artefact(self._job["id"], round_, step)
        return [Prediction.model_validate(row) for row in rows]

    def _figures(self, entry: Mapping[str, Any]) -> RoundFigures:
        seconds = {step["step"]: step["seconds"] or 0.0 for step in entry["steps"]}
        counts: dict[str, float] = {}
        for step in entry["steps"]:
            if step["step"] in ("synthesise", "select_answers"):
                counts = step["figures"] or {}
        return figures_of(entry["round"], self._predictions[entry["round"]], self.truth, counts, seconds)


def _image_paths(folder: Path) -> dict[str, Path]:
    rows = json.loads((folder / "birds-test.json").read_text())
    return {str(row["id"]): folder / row["img_path"] for row in rows}
