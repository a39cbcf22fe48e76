from pathlib import Path

import pytest
from pydantic import ValidationError

from services.trainer.parallel.launching import launcher
from services.trainer.parallel.machines import Machines


def test_a_machine_is_alone_where_nothing_says_else() -> None:
    assert Machines().count == 1


def test_a_pod_of_a_leader_worker_set_knows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GROUP_SIZE": "2", "WORKER_INDEX": "1", "LEADER_ADDRESS": "leader.lws"}.items():
        monkeypatch.setenv(f"LWS_{name}", value)
    assert Machines() == Machines(count=2, rank=1, leader="leader.lws")


def test_our_own_names_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWS_GROUP_SIZE", "2")
    monkeypatch.setenv("SELFSYNTH_TRAINER_MACHINES", "3")
    assert Machines().count == 3


def test_a_rank_that_there_is_no_machine_for_is_refused() -> None:
    with pytest.raises(ValidationError, match="machine rank 2 of 2 machines"):
        Machines(count=2, rank=2)


def test_an_index_of_something_else_does_not_hurt_a_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "7")
    assert Machines().count == 1


def test_all_machines_are_launched_towards_the_leader() -> None:
    command = " ".join(launcher(Path("plan.json"), 8, Machines(count=2, rank=1, leader="first", port=4000)))
    assert (
        "--num_processes 8 --num_machines 2 --main_process_port 4000 --machine_rank 1 --main_process_ip first"
        in command
    )
