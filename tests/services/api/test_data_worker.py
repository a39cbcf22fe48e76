"""The real data worker on real servers: killed, drained and cancelled in the middle of an ingest."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.api.settings import ApiSettings
from tests.services.api.conftest import TOKEN, Stack, wait_for
from tests.services.api.pictures import LABELS, picture

PER_CLASS = 200


@pytest.fixture
def settings(settings: ApiSettings) -> ApiSettings:
    """Short leases."""
    return settings.model_copy(update={"lease_s": 3.0, "lease_margin_s": 0.2})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("images")
    paths = [
        picture(folder / label / f"{n}.png", 1000 * k + n) for k, label in enumerate(LABELS) for n in range(PER_CLASS)
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@contextlib.contextmanager
def data_worker(stack: Stack, temporary: Path) -> Iterator[psutil.Process]:
    """The worker as it is deployed, in a process of its own, killed at the end if it still lives."""
    settings = stack.settings
    temporary.mkdir(exist_ok=True)
    env = {
        "SELFSYNTH_STORE_URL": settings.store_url,
        "SELFSYNTH_REDIS_URL": settings.redis_url.get_secret_value(),
        "SELFSYNTH_COORDINATOR_URL": stack.url,
        "SELFSYNTH_WORKER_TOKEN": TOKEN,
        "SELFSYNTH_IMAGES_PER_PART": "32",
        "SELFSYNTH_INGEST_PROCESSES": "1",
        "TMPDIR": str(temporary),
    }
    process = psutil.Popen(
        [sys.executable, "-m", "services.api.worker"], env=os.environ | env, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait()


def begun(stack: Stack, images: dict[str, bytes]) -> str:
    """The id of a data set that is being copied from the store."""
    for name, body in images.items():
        stack.parts.store.put(f"imports/birds/{name}", body)
    made = stack.post("/datasets", {"name": "birds", "source": {"prefix": "imports/birds"}})
    return str(made["id"])


def parts(stack: Stack, dataset: str) -> list[str]:
    """Names of what was looked at, as far as it is written."""
    keys = stack.parts.store.list(f"datasets/{dataset}/examined")
    return [key.rsplit("/", 1)[1] for key in keys if key.endswith(".parquet")]


def settled(stack: Stack, dataset: str) -> Callable[[], Any]:
    path = f"/datasets/{dataset}"
    return lambda: stack.get(path) if stack.get(path)["status"] != "validating" else None


def folders(temporary: Path) -> list[Path]:
    return [path for path in temporary.glob("selfsynth-ingest-*/*") if path.is_dir()]


def test_a_killed_worker_leaves_no_process_and_another_goes_on_from_its_parts(
    stack: Stack, images: dict[str, bytes], tmp_path: Path
) -> None:
    dataset = begun(stack, images)
    with data_worker(stack, tmp_path / "tmp") as worker:
        wait_for(lambda: parts(stack, dataset))
        family = worker.children(recursive=True)
        assert len(family) > 1
        worker.kill()
    wait_for(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family))
    first = parts(stack, dataset)
    with data_worker(stack, tmp_path / "tmp"):
        found = wait_for(settled(stack, dataset))
    assert (found["status"], sum(found["splits"].values())) == ("ready", 2 * PER_CLASS)
    assert set(first) < set(parts(stack, dataset))
    assert {name.split("-")[0] for name in first}.isdisjoint(
        name.split("-")[0] for name in parts(stack, dataset) if name not in first
    )
    assert folders(tmp_path / "tmp") == []


def test_a_worker_that_is_shut_down_hands_its_step_back(stack: Stack, images: dict[str, bytes], tmp_path: Path) -> None:
    dataset = begun(stack, images)
    with data_worker(stack, tmp_path / "tmp") as worker:
        wait_for(lambda: parts(stack, dataset))
        worker.terminate()
        worker.wait(20)
    assert folders(tmp_path / "tmp") == []
    assert stack.get(f"/datasets/{dataset}")["progress"]["done"] > 0
    with data_worker(stack, tmp_path / "tmp"):
        found = wait_for(settled(stack, dataset))
    assert (found["status"], sum(found["splits"].values())) == ("ready", 2 * PER_CLASS)


def test_validation_can_be_cancelled_in_the_middle(stack: Stack, images: dict[str, bytes], tmp_path: Path) -> None:
    dataset = begun(stack, images)
    with data_worker(stack, tmp_path / "tmp") as worker:
        wait_for(lambda: parts(stack, dataset))
        stack.post(f"/datasets/{dataset}/cancel", {})
        found = wait_for(settled(stack, dataset))
        assert (found["status"], found["report"]["errors"][0]["code"]) == ("invalid", "cancelled")
        wait_for(lambda: not worker.children(recursive=True))
        assert folders(tmp_path / "tmp") == []
    again = stack.client.post(f"/datasets/{dataset}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
