"""What is rendered is what the cluster's own schemas, and those of custom resources, ask for. Unknown is a failure."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.k8s.rendering import OVERLAYS, ROOT, Object, as_pods, rendered, rendered_with_options
from tests.missing import missing

CHECKS = ROOT / ".venv-manifests" / "bin"
MINORS = ("1.35", "1.36", "1.37")
_BUILT_IN = ("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1")
# Checks of checkov's that are not followed, each with the reason.
NOT_FOLLOWED = {
    "CKV_K8S_15": "Always: tags are never moved, and nodes without a way to the registry have the images already",
    "CKV_K8S_43": "digests: they are not known before a release is pushed; docs/deployment.md puts them in",
}


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Of all overlays and of what no overlay takes, each once."""
    found = [each for name in OVERLAYS for each in rendered(name)]
    found += rendered_with_options(tmp_path_factory.mktemp("options"))
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


@pytest.fixture(scope="module")
def built_in(objects: list[Object], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A file of those that are part of Kubernetes, and how many there are."""
    found = [each for each in objects if each["apiVersion"] in _BUILT_IN] + as_pods(objects)
    file = tmp_path_factory.mktemp("rendered") / "objects.yaml"
    file.write_text(yaml.dump_all(found, Dumper=yaml.CSafeDumper))
    return file, len(found)


@pytest.fixture(scope="module")
def schemas() -> Path:
    folder = (ROOT / os.environ.get("SELFSYNTH_TEST_SCHEMAS", "../shared/schemas")).resolve()
    if not folder.is_dir():
        missing(f"no schemas of custom resources at {folder}; set SELFSYNTH_TEST_SCHEMAS")
    return folder


def run_check(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if not (CHECKS / name).exists():
        missing(f"{name} is not installed; run tools/install_manifest_checks.sh")
    return subprocess.run([CHECKS / name, *arguments], capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("minor", MINORS)
def test_built_in_kinds_have_no_property_that_kubernetes_does_not_know(minor: str, built_in: tuple[Path, int]) -> None:
    file, count = built_in
    ended = run_check("kubernetes-validate", "--kubernetes-version", minor, "--strict", file)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert said.count("INFO") == count, said
    assert "WARN" not in said


def test_custom_resources_are_as_their_schemas_say(objects: list[Object], schemas: Path) -> None:
    for each in objects:
        if each["apiVersion"] in _BUILT_IN:
            continue
        file = schemas / f"{each['apiVersion'].replace('/', '_')}_{each['kind']}.json"
        assert file.exists(), f"no schema of {each['apiVersion']} {each['kind']}: it cannot be checked"
        assert faults(each, file) == []


def test_a_custom_resource_with_a_misspelt_property_is_found_out(objects: list[Object], schemas: Path) -> None:
    scaled = json.loads(json.dumps(next(each for each in objects if each["kind"] == "ScaledJob")))
    scaled["spec"]["jobTargetRef"]["template"]["spec"]["containers"][0]["resource"] = {}
    (fault,) = faults(scaled, schemas / "keda.sh_v1alpha1_ScaledJob.json")
    assert "'resource' was unexpected" in fault


def faults(each: Object, file: Path) -> list[str]:
    validator = jsonschema.Draft202012Validator(strict(json.loads(file.read_text()), top=True))
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(each)]


def strict(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """The schema with no properties but those it names, as a server with strict field validation reads it."""
    made = {key: strict(value) if isinstance(value, dict) else value for key, value in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and "properties" in schema and not open_ended:
        names = {name: strict(value) for name, value in schema["properties"].items()}
        if top:
            names |= {key: {} for key in ("apiVersion", "kind", "metadata")}
        return made | {"properties": names, "additionalProperties": False}
    return made


def test_checkov_finds_nothing_but_what_is_not_followed_for_a_reason(built_in: tuple[Path, int]) -> None:
    arguments = ["--skip-download", "--framework", "kubernetes", "--output", "json", "--file", built_in[0]]
    report = json.loads(run_check("checkov", *arguments).stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000, "it looked at hardly anything"
    failed = {
        (found["check_id"], found["check_name"], found["resource"]) for found in report["results"]["failed_checks"]
    }
    assert sorted(each for each in failed if each[0] not in NOT_FOLLOWED) == []
    assert {check for check, _, _ in failed} == set(NOT_FOLLOWED), "one that is not followed would pass: take it out"
