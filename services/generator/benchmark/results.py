"""What lmms-eval wrote, as scores and answers. It ends well whatever went wrong, so here is looked for what did.

Knows its files and its words for failures; nothing of engines and processes.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.generator.benchmark.place import RESULTS
from shared.errors import SystemFault
from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore

# It writes these where an answer should be.
_NO_ANSWER = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
_SAMPLES = re.compile(r"_samples_(.+)\.jsonl$")
Samples = dict[str, list[dict[str, Any]]]


class BenchmarkFailed(SystemFault):
    code = "benchmark_failed"


class Results:
    """Of a run whose files lie below `scratch`. Raises BenchmarkFailed where there are none."""

    def __init__(self, scratch: Path) -> None:
        files = sorted((scratch / RESULTS).rglob("*"))
        aggregated = [file for file in files if file.name.endswith("_results.json")]
        if len(aggregated) != 1:
            raise BenchmarkFailed("it left no results", remedy="Its last lines say more.")
        self._told: dict[str, Any] = json.loads(aggregated[0].read_text())
        named = ((match[1], file) for file in files if (match := _SAMPLES.search(file.name)))
        self._samples: Samples = {task: _rows(file) for task, file in named}

    @property
    def version(self) -> str:
        return str(self._told.get("lmms_eval_version"))

    @property
    def sample_count(self) -> int:
        return sum(map(len, self._samples.values()))

    def check(self, answered: int, empty: int) -> None:
        """Raises BenchmarkFailed when any sample went without an answer of the engine, of which there were `answered`,
        and `empty` ones among them."""
        for task, rows in self._samples.items():
            if failed := [row["doc_id"] for row in rows if any(map(_is_failure, _raw(row)))]:
                raise _failed(f"{len(failed)} of {len(rows)} requests of {task} failed (sample {failed[0]} first)")
        for task, wanted in self._effective().items():
            if (there := len(self._samples.get(task, ()))) != wanted:
                raise _failed(f"{task} has {wanted} samples, but answers to {there}")
        if self.sample_count > answered:
            raise _failed(f"{self.sample_count} samples were scored, but the engine answered {answered} requests")
        blank = sum(not any(map(str.strip, _raw(row))) for rows in self._samples.values() for row in rows)
        if blank > empty:
            raise _failed(f"{blank} samples were scored without an answer; the engine's own empty answers are {empty}")

    def scores(self) -> list[BenchmarkScore]:
        """Every figure of every task and group. Raises BenchmarkFailed when a task has none."""
        found = {task: list(self._scores_of(task, row)) for task, row in self._told["results"].items()}
        without = [task for task in self._effective() if not found.get(task)]
        if without or not found:
            raise _failed(f"there is no score of {', '.join(without) or 'any task'}")
        return [score for scores in found.values() for score in scores]

    def answers(self) -> Iterator[BenchmarkAnswer]:
        for task, rows in self._samples.items():
            names = {score.metric for score in self._scores_of(task, self._told["results"][task])}
            for row in rows:
                scored = {name: value for name in sorted(names) if (value := _number(row.get(name))) is not None}
                yield BenchmarkAnswer(
                    task=task,
                    sample=str(row["doc_id"]),
                    target=str(row["target"]),
                    answers=_raw(row),
                    metrics=tuple(scored),
                    scores=tuple(scored.values()),
                )

    def _effective(self) -> Mapping[str, int]:
        return {task: int(counts["effective"]) for task, counts in self._told["n-samples"].items()}

    def _scores_of(self, task: str, row: Mapping[str, Any]) -> Iterator[BenchmarkScore]:
        for name, told in row.items():
            metric, _, kept = name.partition(",")
            value = _number(told)
            if not kept or re.search(r"_stderr(_\w+)?$", metric) or value is None:
                continue
            yield BenchmarkScore(
                task=task,
                metric=metric,
                filter=kept,
                value=value,
                stderr=_number(row.get(f"{metric}_stderr,{kept}")),
                samples=self._effective().get(task),
                higher_is_better=self._told.get("higher_is_better", {}).get(task, {}).get(metric),
            )


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _raw(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The answers as the model gave them; as they were read where nothing was changed by that."""
    return tuple(_texts(row["resps"] if "resps" in row else row["filtered_resps"]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)


def _is_failure(text: str) -> bool:
    return text.startswith(_NO_ANSWER)


def _number(value: Any) -> float | None:
    """A score as it is, or as `{"score": ...}`; None for what is no finite number."""
    told = value.get("score") if isinstance(value, dict) else value
    if not isinstance(told, bool | int | float) or not math.isfinite(told):
        return None
    return float(told)


def _failed(message: str) -> BenchmarkFailed:
    return BenchmarkFailed(message, remedy="No score can be trusted. The last lines of lmms-eval may say more.")
