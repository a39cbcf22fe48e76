"""Dockerfiles and compose files keep their rules, without an engine."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted([*ROOT.glob("services/*/Dockerfile"), *ROOT.glob("selfsynth/Dockerfile")])
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
GPU = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if service["image"].startswith("selfsynth/")]


def test_every_service_has_a_dockerfile() -> None:
    assert [file.parent.name for file in DOCKERFILES] == ["selfsynth", "api", "generator", "selector", "trainer"]


def test_hadolint_finds_nothing() -> None:
    command = [str(Path(sys.executable).with_name("hadolint")), *map(str, DOCKERFILES)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_every_image_runs_as_the_same_ordinary_user_and_tells_its_health(file: Path) -> None:
    stages = re.split(r"(?m)^FROM ", file.read_text())[1:]
    for stage in (each for each in stages if not each.startswith("${BUILD_BASE}") and not each.startswith("models")):
        assert "USER 10001:10001" in stage
        assert "HEALTHCHECK" in stage


@pytest.mark.parametrize("target", ["server", "server-transformers"])
def test_an_engine_s_health_is_its_progress_and_the_check_outlasts_its_deadline(target: str) -> None:
    """/health answers while nothing is computed."""
    [stage] = re.findall(
        rf"(?ms)^FROM \S+ AS {target}$(.*?)(?=^FROM |\Z)", (ROOT / "services/generator/Dockerfile").read_text()
    )
    [(options, command)] = re.findall(r"(?m)^HEALTHCHECK (.*) CMD (\[.*\])$", stage)
    module, deadline_s = json.loads(command)[2], float(json.loads(command)[-1])
    assert module == "services.generator.liveness"
    assert find_spec(module)
    assert deadline_s < float(re.findall(r"--timeout=(\d+)s", options)[0])
    assert "healthcheck" not in COMPOSE["services"]["engine"]


def test_dependencies_are_installed_before_any_code_is_copied() -> None:
    """So a change of code costs seconds to build."""
    for file in DOCKERFILES:
        for stage in re.split(r"(?m)^FROM ", file.read_text())[1:]:
            install, code = stage.find("install.sh group"), stage.find("COPY shared")
            assert install < 0 or code < 0, file


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "/var/lib/selfsynth" in service["volumes"]
    assert service["restart"] == ("no" if name in ("migrate", "demo") else "unless-stopped")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("engine", "SELFSYNTH_ENGINE_ADAPTER_CACHE"),
        ("selector", "SELFSYNTH_ENCODER_CACHE"),
        ("trainer", "SELFSYNTH_WORK_DIR"),
    ],
)
def test_caches_and_work_are_on_a_volume_and_not_in_the_memory_of_tmp(name: str, variable: str) -> None:
    """In Compose and in Kubernetes."""
    service = COMPOSE["services"][name]
    manifest = (ROOT / f"k8s/base/{name}.yaml").read_text()
    [clustered] = re.findall(rf"\{{name: {variable}, value: (\S+)\}}", manifest)
    assert "/tmp" in service["tmpfs"]
    for folder in (service["environment"][variable], clustered):
        assert folder.startswith("/var/lib/selfsynth/")


def test_no_image_is_whatever_is_newest() -> None:
    images = [service["image"] for file in (COMPOSE, GPU) for service in file["services"].values()]
    bases = re.findall(r"(?m)^ARG BASE=(\S+)", "".join(file.read_text() for file in DOCKERFILES))
    for image in [*images, *bases]:
        tag = image.rstrip("}").rpartition(":")[2].lstrip("-")
        assert re.match(r"\d", tag), image


COMPOSE_FILES = [ROOT / "docker-compose.yml", ROOT / "docker-compose.gpu.yml"]


def _v2_takes(file: Path) -> subprocess.CompletedProcess[str]:
    """By the schema that Compose v2 itself holds files against."""
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=lambda file: file.name)
def test_compose_v2_takes_the_file(file: Path) -> None:
    checked = _v2_takes(file)
    assert checked.returncode == 0, checked.stdout
    assert "version" not in yaml.safe_load(file.read_text()), "v2 warns that it is obsolete"


@pytest.mark.parametrize("wrong", [{"image": "a", "memory": "1g"}, {"image": "a", "depends_on": {"b": {}}}])
def test_what_compose_v2_refuses_is_seen(wrong: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump({"services": {"a": wrong}}))
    assert _v2_takes(tmp_path / "docker-compose.yml").returncode == 1


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="there is no docker-compose")
@pytest.mark.parametrize("count", [1, 2])
def test_the_installed_docker_compose_takes_the_files_without_an_engine(count: int) -> None:
    """Also sees names of services, networks, volumes and secrets that are nowhere."""
    files = [word for file in COMPOSE_FILES[:count] for word in ("--file", str(file))]
    command = ["docker-compose", *files, "--profile", "demo", "config", "--quiet"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_secrets_are_in_files_only() -> None:
    for name, service in COMPOSE["services"].items():
        for variable in service.get("environment", {}):
            assert not re.search(r"PASSWORD$|KEY$|TOKEN$|DATABASE_URL$|REDIS_URL$", variable), (name, variable)


def test_every_secret_that_is_mounted_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run([sys.executable, ROOT / "tools/make_secrets.py", folder], check=True, capture_output=True)
    assert {file.name for file in folder.iterdir()} == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_secrets_that_cannot_be_made_is_told_and_help_makes_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command: list[Any] = [sys.executable, ROOT / "tools/make_secrets.py"]
    refused = subprocess.run([*command, tmp_path / "file/in"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {tmp_path / 'file/in'} cannot be written: Not a directory")
    subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_lost_a_secret_is_not_filled_up_with_another(tmp_path: Path) -> None:
    command: list[Any] = [sys.executable, ROOT / "tools/make_secrets.py", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "postgres_password").unlink()
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "postgres_password" in refused.stderr
