"""Figures of a round, from the counts that its steps left. Pure."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from shared.scoring.explaining import explanation_figures
from shared.scoring.interval import wilson
from shared.types.lifecycle import StepName

Counts = Mapping[str, float]


class RoundFigures(BaseModel):
    """Shares are in [0, 1]; None where nothing was measured. `accuracy_ci` is Wilson's 95% interval.
    `explanation` holds what is known of the explanations, by name (docs/method.md); `benchmark` lmms-eval's scores, as
    `task/metric`."""

    accuracy: float | None = None
    accuracy_ci: tuple[float, float] | None = None
    validation_accuracy: float | None = None
    substring_accuracy: float | None = None
    repetition_rate: float | None = None
    pairs: int | None = None
    fallbacks: int | None = None
    explanation: dict[str, float] = {}
    benchmark: dict[str, float] = {}


def summed(figures: Iterable[Counts]) -> dict[str, float]:
    """The figures of all shards added up, name by name."""
    total: dict[str, float] = {}
    for counts in figures:
        for name, value in counts.items():
            total[name] = total.get(name, 0) + value
    return total


def round_figures(steps: Mapping[StepName, Counts]) -> RoundFigures:
    """From the summed figures of each step of one round."""
    evaluated = steps.get(StepName.EVALUATE, {})
    selected = steps.get(StepName.SELECT_ANSWERS) or steps.get(StepName.SYNTHESISE) or {}
    total = evaluated.get("test_total", 0)
    interval = wilson(int(evaluated.get("test_correct", 0)), int(total)) if total else None
    return RoundFigures(
        accuracy=_share(evaluated, "test_correct", "test_total"),
        accuracy_ci=interval,
        validation_accuracy=_share(evaluated, "validation_correct", "validation_total"),
        substring_accuracy=_share(evaluated, "test_contains_label", "test_total"),
        repetition_rate=_share(evaluated, "test_repeats", "test_total"),
        pairs=_count(selected, "pairs"),
        fallbacks=_count(selected, "fallbacks"),
        explanation=explanation_figures(evaluated),
        benchmark={name: value for name, value in steps.get(StepName.BENCHMARK, {}).items() if "/" in name},
    )


def best_round(rounds: Mapping[int, RoundFigures]) -> int | None:
    """The round of the highest validation accuracy, the earlier of two equals; the test split has no say."""
    measured = {r: f.validation_accuracy for r, f in rounds.items() if f.validation_accuracy is not None}
    return min(measured, key=lambda r: (-measured[r], r)) if measured else None


def learnt_nothing(rounds: Mapping[int, RoundFigures]) -> str | None:
    """A warning where trained rounds were measured and none is better on the validation split than the base."""
    measured = {r: f.validation_accuracy for r, f in rounds.items() if f.validation_accuracy is not None}
    if len(measured) < 2 or best_round(rounds) != 0:
        return None
    trained = max(accuracy for r, accuracy in measured.items() if r)
    return (
        f"nothing was learnt: of the validation images the base names {measured[0]:.3f} rightly and the best trained "
        f"round {trained:.3f}; see in the report what was trained on, and try more images a class, more rounds, or a "
        "higher train.learning_rate"
    )


def _share(counts: Counts, part: str, whole: str) -> float | None:
    return counts.get(part, 0) / counts[whole] if counts.get(whole) else None


def _count(counts: Counts, name: str) -> int | None:
    return int(counts[name]) if name in counts else None
