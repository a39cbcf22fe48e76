"""What a report holds. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfsynth.demo.figures import RoundFigures


@dataclass(frozen=True)
class ExplainedImage:
    """One test image with the answers of the base and of the final model."""

    image: Path
    label: str
    hidden: tuple[str, ...]
    base_answer: str
    final_answer: str


@dataclass(frozen=True)
class Report:
    rounds: tuple[RoundFigures, ...]
    control: tuple[RoundFigures, ...]
    examples: tuple[ExplainedImage, ...]
    selection: dict[str, float]
    seconds_total: float
    seed: int
    engine: str
    best_round: int

    def as_json(self) -> dict[str, Any]:
        return {
            "rounds": [figures.as_json() for figures in self.rounds],
            "control": [figures.as_json() for figures in self.control],
            "selection": self.selection,
            "best_round": self.best_round,
            "seconds_total": round(self.seconds_total, 1),
            "seed": self.seed,
            "engine": self.engine,
        }
