"""What lmms-eval wrote, as scores and answers. It ends well whatever went wrong, so here is looked for what did.

Knows its files and its words for failures; nothing of engines and processes.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.generator.benchmark.place import RESULTS
from shared.errors import SystemFault
from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore

# It writes these where an answer should be; but how answers are read may leave nothing of them.
_NO_ANSWER = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
_GAVE_UP = re.compile(r"attempts failed\. Last error: .*")
_SAMPLES = re.compile(r"_samples_(.+)\.jsonl$")
Row = dict[str, Any]


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
        self._rows: dict[str, list[Row]] = {task: _rows_in(file) for task, file in named}

    @property
    def version(self) -> str:
        return str(self._told.get("lmms_eval_version"))

    @property
    def sample_count(self) -> int:
        return sum(len(_distinct(rows)) for rows in self._rows.values())

    def check(self, said: str, answered: int, *, tells_usage: bool) -> None:
        """Raises BenchmarkFailed when any sample went without an answer of the engine, of which there were `answered`.
        `said` is all that lmms-eval said; `tells_usage`: every answer came with the number of its prompt's tokens."""
        if gave_up := _GAVE_UP.search(said):
            raise _failed(f"a request was given up: {gave_up[0]}")
        for task, rows in self._rows.items():
            if failed := [row["doc_id"] for row in rows if _is_failed(row, tells_usage)]:
                raise _failed(f"the request of sample {failed[0]} of {task} failed, and of {len(failed) - 1} more")
        for task, wanted in self._effective().items():
            if (there := len(_distinct(self._rows.get(task, ())))) != wanted:
                raise _failed(f"{task} has {wanted} samples, but answers to {there}")
        if self.sample_count > answered:
            raise _failed(f"{self.sample_count} samples were scored, but the engine answered {answered} requests")

    def scores(self) -> list[BenchmarkScore]:
        """Every figure of every task and group. Raises BenchmarkFailed when a task has none."""
        found = {task: list(self._scores_of(task, row)) for task, row in self._told["results"].items()}
        without = [task for task in self._effective() if not found.get(task)]
        if without or not found:
            raise _failed(f"there is no score of {', '.join(without) or 'any task'}")
        return [score for scores in found.values() for score in scores]

    def answers(self) -> Iterator[BenchmarkAnswer]:
        """A row a sample and way of reading it: a task's samples come once for each of its filters, in their order."""
        for task, rows in self._rows.items():
            scores = list(self._scores_of(task, self._told["results"][task]))
            filters = list(dict.fromkeys(score.filter for score in scores))
            seen: Counter[int] = Counter()
            for row in rows:
                kept = filters[seen[row["doc_id"]]]
                seen[row["doc_id"]] += 1
                yield _answer(task, kept, row, {score.metric for score in scores if score.filter == kept})

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


def _rows_in(file: Path) -> list[Row]:
    with file.open() as lines:
        return [json.loads(line) for line in lines]


def _distinct(rows: Iterable[Row]) -> set[int]:
    return {row["doc_id"] for row in rows}


def _answer(task: str, kept: str, row: Row, metrics: set[str]) -> BenchmarkAnswer:
    scored = {name: value for name in sorted(metrics) if (value := _number(row.get(name))) is not None}
    return BenchmarkAnswer(
        task=task,
        filter=kept,
        sample=str(row["doc_id"]),
        target=str(row["target"]),
        answers=tuple(_texts(_answered(row))),
        metrics=tuple(scored),
        scores=tuple(scored.values()),
    )


def _answered(row: Row) -> Any:
    """What the model said, as far as it was kept; left out where reading it changed nothing."""
    return row["resps"] if "resps" in row else row["filtered_resps"]


def _is_failed(row: Row, tells_usage: bool) -> bool:
    """A request that failed cost no tokens."""
    if any(text.startswith(_NO_ANSWER) for text in _texts(_answered(row))):
        return True
    return tells_usage and not all(told and told.get("input_tokens") for told in row["token_counts"])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)


def _number(value: Any) -> float | None:
    """A score as it is, or as `{"score": ...}`; None for what is no finite number."""
    told = value.get("score") if isinstance(value, dict) else value
    if not isinstance(told, bool | int | float) or not math.isfinite(told):
        return None
    return float(told)


def _failed(message: str) -> BenchmarkFailed:
    return BenchmarkFailed(message, remedy="No score can be trusted. The last lines of lmms-eval may say more.")
