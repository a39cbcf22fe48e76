"""`docker compose up`, for real: images are built, a job is posted with the README's lines, a container is killed."""

import io
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from selfsynth.demo.world.dataset import write_dataset
from tests.compose import readme
from tests.compose.commands import CommandFailed, run
from tests.compose.system import System

# From nothing, on two cores: about a minute for the base image, four for the images, two for the job.
pytestmark = pytest.mark.timeout(5400)

IMAGES = {"train": 2, "validation": 1, "test": 1}
# A job of a minute. It teaches nothing: what it should end with is another test's. To describe takes several seconds,
# so that there is a middle to kill it in.
SETTINGS = {
    "noun": "bird",
    "questions": "generic",
    "describe": {"instructions": 3, "samples": 6, "max_tokens": 48},
    "synthesise": {
        "questions": 1,
        "resamples": 0,
        "max_tokens": 48,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "evaluate": {"max_tokens": 48},
    "train": {"lora_rank": 4, "epochs": 1, "batch_size": 8, "precision": "float32", "gradient_checkpointing": False},
}
SERVICES = ("api", "data-worker", "engine", "generator", "selector", "trainer")


@pytest.fixture(scope="module")
def client(system: System) -> httpx.Client:
    key = (system.folder / "secrets/selfsynth_api_key").read_text().strip()
    return httpx.Client(
        base_url=f"http://127.0.0.1:{system.port}", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )


def test_a_job_posted_with_the_readmes_lines_succeeds_though_a_container_is_killed(
    system: System, client: httpx.Client
) -> None:
    system.up("--scale", "selector=2")
    assert len(system.containers("selector")) == 2
    job = _post(system, client)
    system.wait_until(lambda: _step(client, job, "describe") == "running", 120, "the job begins to describe")
    system.kill("generator")
    system.wait_until(lambda: client.get(f"/jobs/{job}").json()["is_terminal"], 900, "the job ends")
    ended = client.get(f"/jobs/{job}").json()
    assert ended["status"] == "succeeded", ended["error"]
    assert system.containers("generator")[0]["RestartCount"] == 1
    _readme(system, "fetch", job=job)
    with tarfile.open(system.folder / "adapter.tar") as adapter:
        assert any(name.endswith("adapter_model.safetensors") for name in adapter.getnames())


def test_every_container_is_healthy(system: System) -> None:
    def all_healthy() -> bool:
        return all(
            each["State"]["Health"]["Status"] == "healthy" for name in SERVICES for each in system.containers(name)
        )

    system.wait_until(all_healthy, 240, "every container is healthy")


def test_no_container_of_ours_is_root_or_can_write_its_image(system: System) -> None:
    for name in SERVICES:
        container = system.containers(name)[0]
        assert container["Config"]["User"] == "10001:10001"
        assert container["HostConfig"]["ReadonlyRootfs"]
        with pytest.raises(CommandFailed, match="Read-only file system"):
            run(system.docker, "exec", container["Id"], "touch", "/app/written", within_s=30)


def test_the_demo_s_container_has_the_command_and_the_key_to_the_api(system: System) -> None:
    """The demo itself takes minutes; it posts its job as `make demo` does."""
    assert "--control" in system.client("demo", "--help")
    assert "created" in system.client("jobs", "list")
    with pytest.raises(CommandFailed, match="key"):
        system.client("jobs", "list", "--key", "another")


def test_adapters_and_embeddings_are_kept_on_the_volume_and_not_in_memory(system: System) -> None:
    """The job above made both; either selector may have had its steps."""
    for name, kept in (("engine", "adapters/adapters/"), ("selector", "embeddings/embeddings.sqlite")):
        look = ("sh", "-c", "find /var/lib/selfsynth -mindepth 2; ls -d /tmp/selfsynth-* 2>/dev/null || true")
        found = "".join(run(system.docker, "exec", c["Id"], *look, within_s=30) for c in system.containers(name))
        assert f"/var/lib/selfsynth/{kept}" in found
        assert "/tmp/" not in found


def test_no_secret_stands_in_a_containers_environment_or_command(system: System) -> None:
    secrets = [file.read_text().strip() for file in (system.folder / "secrets").iterdir()]
    for container in system.containers():
        seen = json.dumps([container["Config"], container["Args"]])
        assert not [secret for secret in secrets if secret in seen], container["Name"]


def test_only_images_that_compute_hold_torch(system: System) -> None:
    holds = {name: _imports(system, name, "torch") for name in SERVICES}
    assert [name for name, found in holds.items() if found] == ["engine", "selector", "trainer"]


def test_only_the_coordinator_reaches_postgres(system: System) -> None:
    connect = "import socket; socket.create_connection(('postgres', 5432), timeout=3)"
    for name in ("generator", "selector", "trainer", "data-worker", "engine"):
        with pytest.raises(CommandFailed, match=r"gaierror|timed out"):
            run(system.docker, "exec", system.containers(name)[0]["Id"], "python", "-c", connect, within_s=60)


def test_the_gpu_file_gives_engine_and_trainer_a_gpu_and_cuda(system: System) -> None:
    files = ("--file", "docker-compose.yml", "--file", "docker-compose.gpu.yml")
    laid = yaml.safe_load(system.compose("config", within_s=60, files=files))["services"]
    for name in ("engine", "trainer"):
        assert laid[name]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
        assert laid[name]["build"]["args"]["BASE"].startswith("nvidia/cuda:")
        assert not laid[name]["build"]["args"]["TORCH_BACKEND"]
    assert laid["engine"]["build"]["target"] == "server"


def _post(system: System, client: httpx.Client) -> str:
    """Upload a drawn world and post a job on it. Returns the job's id."""
    write_dataset(system.folder / "world", seed=0, per_class=IMAGES)
    _pack(system.folder / "world", system.folder / "birds.zip")
    dataset = _readme(system, "upload", then="echo $dataset").strip()
    system.wait_until(
        lambda: client.get(f"/datasets/{dataset}").json()["status"] != "validating", 120, "the images are seen"
    )
    return _readme(system, "post", dataset=dataset, then="echo $job").strip()


def _readme(system: System, part: str, then: str = "", **variables: str) -> str:
    lines = readme.lines()
    helpers = re.sub(r"(?m)^settings=.*$", f"settings='{json.dumps(SETTINGS)}'", lines["helpers"])
    return system.shell(helpers + lines[part] + then, within_s=120, SELFSYNTH_PORT=system.port, **variables)


def _pack(folder: Path, target: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    target.write_bytes(packed.getvalue())


def _step(client: httpx.Client, job: str, name: str) -> str:
    """The status of round 1's step, or nothing before it is there."""
    rounds: list[dict[str, Any]] = client.get(f"/jobs/{job}").json()["rounds"]
    steps = [step for each in rounds if each["round"] == 1 for step in each["steps"]]
    return next((step["status"] for step in steps if step["step"] == name), "")


def _imports(system: System, service: str, module: str) -> bool:
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
    try:
        run(system.docker, "exec", system.containers(service)[0]["Id"], "python", "-c", find, within_s=60)
    except CommandFailed:
        return False
    return True
