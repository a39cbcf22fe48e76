"""What is made of lmms-eval's files, written here as it writes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.generator.benchmark.failures import explained, tail
from services.generator.benchmark.results import BenchmarkFailed, Results
from shared.errors import InvalidInput, SystemFault

COST = [{"input_tokens": 30, "output_tokens": 2}]
ROWS: list[dict[str, Any]] = [
    {"doc_id": 0, "target": "A", "filtered_resps": "A", "acc": 1.0, "grade": {"score": 2, "why": "x"}},
    {"doc_id": 1, "target": "B", "filtered_resps": "a", "resps": ["So, A."], "acc": 0.0, "grade": {"score": 4}},
]
for _row in ROWS:
    _row["token_counts"] = COST


def changed(**fields: Any) -> list[dict[str, Any]]:
    return [ROWS[0], ROWS[1] | fields]


def left(folder: Path, rows: list[dict[str, Any]] | None = None, **changes: Any) -> Path:
    told = {
        "results": {
            "quiz": {
                "alias": "quiz", "acc,none": 0.5, "acc_stderr,none": 0.5, "acc_stderr_clt,none": 0.5,
                "grade,none": 3, "submission,none": None,
            }
        },
        "higher_is_better": {"quiz": {"acc": True}},
        "n-samples": {"quiz": {"original": 9, "effective": 2}},
        "lmms_eval_version": "0.7.3",
        **changes,
    }  # fmt: skip
    files = folder / "results" / "model"
    files.mkdir(parents=True)
    (files / "20261123_results.json").write_text(json.dumps(told))
    samples = ROWS if rows is None else rows
    (files / "20261123_samples_quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in samples))
    return folder


def test_every_figure_becomes_a_score(tmp_path: Path) -> None:
    acc, grade = Results(left(tmp_path)).scores()
    assert (acc.name, acc.value, acc.stderr, acc.samples, acc.higher_is_better) == ("quiz/acc", 0.5, 0.5, 2, True)
    assert (grade.name, grade.value, grade.stderr, grade.higher_is_better) == ("quiz/grade", 3.0, None, None)


def test_every_sample_becomes_a_row_with_what_it_scored(tmp_path: Path) -> None:
    first, second = Results(left(tmp_path)).answers()
    assert (first.sample, first.target, first.answers) == ("0", "A", ("A",))
    assert (second.answers, second.metrics, second.scores) == (("So, A.",), ("acc", "grade"), (0.0, 4.0))


def test_a_task_that_is_read_in_two_ways_has_two_rows_a_sample(tmp_path: Path) -> None:
    results = {"quiz": {"acc,loose": 1.0, "acc,strict": 0.5}}
    found = Results(left(tmp_path, [row | {"acc": 1.0} for row in ROWS] + ROWS, results=results))
    found.check("", 2, tells_usage=True)
    assert found.sample_count == 2
    assert [(row.filter, row.sample, row.scores) for row in found.answers()] == [
        ("loose", "0", (1.0,)), ("loose", "1", (1.0,)), ("strict", "0", (1.0,)), ("strict", "1", (0.0,)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "answered", "said", "words"),
    [
        (changed(resps=["[LMMS_EVAL_REQUEST_FAILED after 1 retries] x"]), 2, "", "request of sample 1 of quiz failed"),
        (changed(token_counts=[{"input_tokens": 0}]), 2, "", "request of sample 1 of quiz failed"),
        (changed(token_counts=[None]), 2, "", "request of sample 1 of quiz failed"),
        (ROWS[:1], 2, "", "2 samples, but answers to 1"),
        (ROWS, 1, "", "the engine answered 1 requests"),
        (ROWS, 2, "ERROR | All 1 attempts failed. Last error: gone", "given up: attempts failed. Last error: gone"),
    ],
)
def test_no_sample_goes_without_an_answer(
    tmp_path: Path, rows: list[dict[str, Any]], answered: int, said: str, words: str
) -> None:
    with pytest.raises(BenchmarkFailed, match=words):
        Results(left(tmp_path, rows)).check(said, answered, tells_usage=True)


def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    Results(left(tmp_path, changed(resps=[" "]))).check("", 2, tells_usage=True)


def test_an_engine_need_not_tell_what_an_answer_cost(tmp_path: Path) -> None:
    Results(left(tmp_path, changed(token_counts=[{"input_tokens": 0}]))).check("", 2, tells_usage=False)


def test_a_task_without_a_figure_is_a_failure(tmp_path: Path) -> None:
    results = {"quiz": {"alias": "quiz", "acc,none": "N/A", "other,none": float("nan")}}
    with pytest.raises(BenchmarkFailed, match="no score of quiz"):
        Results(left(tmp_path, results=results)).scores()


def test_no_results_are_a_failure(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailed, match="no results"):
        Results(tmp_path)


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("ValueError: Tasks not found: quizz, x. Try `lmms-eval`", InvalidInput, "benchmark_unknown"),
        ("NotImplementedError: TODO: Implement loglikelihood for", InvalidInput, "benchmark_not_supported"),
        ("AssertionError: Currently messages is used for generation only", InvalidInput, "benchmark_not_supported"),
        ("huggingface_hub.errors.OfflineModeIsEnabled: Cannot", SystemFault, "benchmark_without_data"),
        ("KeyError: 'image'", BenchmarkFailed, "benchmark_failed"),
    ],
)
def test_a_failure_is_explained_by_its_words(said: str, kind: type[Exception], code: str) -> None:
    error = explained(f"Traceback\n{said}", "exit status 0")
    assert (type(error), error.code) == (kind, code)
    assert error.remedy


def test_the_last_lines_are_without_colours_and_progress_bars() -> None:
    assert tail("a\n\x1b[32mgreen\x1b[0m\n\n 0%|  |\r 50%|  |\r100%|##|\n") == "a\ngreen\n100%|##|"
