"""A job from POST to its end, with workers that play every step."""


from tests.services.api.conftest import Stack


def test_a_job_goes_through_all_rounds_in_order(stack: Stack, ready: str) -> None:
    job = stack.job(ready, rounds=2)
    stack.play_until(lambda: stack.get(f"/jobs/{job['id']}")["is_terminal"])

    done = stack.get(f"/jobs/{job['id']}")
    assert (done["status"], done["percent"], done["error"]) == ("succeeded", 100.0, None)
    order = [(task.round, task.step.value) for task in stack.worker.played if task.job_id == job["id"]]
    first = [(1, s) for s in ("describe", "select_concepts", "synthesise", "train", "evaluate")]
    second = [(2, s) for s in ("answer", "select_answers", "train", "evaluate")]
    assert order == [(0, "evaluate"), *first, *second]
    assert [r["accuracy"] for r in done["rounds"]] == [0.75, 0.75, 0.75]
    assert [r["figures"]["pairs"] for r in done["rounds"]] == [None, 16, 18]
    assert done["figures"]["best_round"] == 0
