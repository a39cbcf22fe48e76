"""A training on two machines with addresses of their own, told their places as a LeaderWorkerSet tells its pods.

Gloo between CPUs, in network namespaces: the same launcher, ranks and meeting as with NCCL between GPUs.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from shared.artefacts import read_manifest
from tests.services.trainer.parallel.leading import a_run
from tests.services.trainer.parallel.machines import Machine, two_machines

_WITHIN_S = 600


def environment(machine: Machine, rank: int, leader: Machine, work_dir: Path) -> Mapping[str, str]:
    group = {"GROUP_SIZE": "2", "WORKER_INDEX": str(rank), "LEADER_ADDRESS": leader.address}
    worker = {"STORE_URL": "file:///nowhere", "REDIS_URL": "redis://127.0.0.1:1", "WORKER_TOKEN": "t", "MODELS": "{}"}
    worker |= {"COORDINATOR_URL": "http://127.0.0.1:1", "WORK_DIR": str(work_dir), "TRAINER_THREADS": "1"}
    # A pod's host name is its address; that of a namespace is this machine's.
    names = {"GLOO_SOCKET_IFNAME": machine.device}
    return (
        os.environ
        | {f"LWS_{key}": value for key, value in group.items()}
        | {f"SELFSYNTH_{key}": value for key, value in worker.items()}
        | names
    )


@pytest.mark.timeout(900)
def test_two_machines_of_a_group_train_to_the_weights_of_one(tmp_path: Path, tiny_model: Path) -> None:
    run = a_run(tmp_path / "two", tiny_model)
    work_dir = run.settings.work_dir
    follow = [sys.executable, "-m", "services.trainer.worker"]
    lead = [sys.executable, "-m", "tests.services.trainer.parallel.leading", str(tmp_path / "two"), str(tiny_model)]
    with two_machines() as (first, second):
        dies_with_us = ["setpriv", "--pdeathsig", "KILL"]
        following = [*second.prefix, *dies_with_us, *follow]
        follower = subprocess.Popen(following, env=environment(second, 1, first, work_dir))
        try:
            leading = [*first.prefix, *lead]
            subprocess.run(leading, env=environment(first, 0, first, work_dir), check=True, timeout=_WITHIN_S)
        finally:
            follower.kill()
            follower.wait()
        crossed = second.received_bytes()
    (key,) = [key for key in run.store.list("jobs") if "/manifest-" in key]
    manifest = read_manifest(run.store, key)
    assert manifest.extra["processes"] == 2
    weights = run.weights(manifest)
    assert crossed > sum(weight.nbytes for weight in weights.values()), "they never spoke to each other"
    one = a_run(tmp_path / "one", tiny_model)
    expected = one.weights(one.finish())
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5)
