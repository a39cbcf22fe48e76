"""The patches that docs/deployment.md offers do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.k8s.reach import elsewhere, is_allowed, pod
from tests.k8s.rendering import ROOT, of_kind, rendered_with, workloads

_OFFERED = [
    patch
    for block in re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs" / "deployment.md").read_text(), re.DOTALL | re.MULTILINE
    )
    for patch in yaml.safe_load(block)["patches"]
]


def patched(folder: Path) -> list[Any]:
    return rendered_with(folder, "monitoring", "data-stores", patches=_OFFERED)


def test_every_account_pulls_images_with_the_registry_s_secret(tmp_path: Path) -> None:
    accounts = of_kind(patched(tmp_path), "ServiceAccount")
    assert len(accounts) > 8
    assert all(each["imagePullSecrets"] == [{"name": "registry"}] for each in accounts)


def test_everything_that_prometheus_shall_find_carries_the_label_of_its_release(tmp_path: Path) -> None:
    found = [each for each in patched(tmp_path) if each["apiVersion"].startswith("monitoring.coreos.com/")]
    assert {each["kind"] for each in found} == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert all(each["metadata"]["labels"]["release"] == "kube-prometheus-stack" for each in found)


def test_everybody_asks_openshift_s_servers_for_names_and_the_usual_ones(tmp_path: Path) -> None:
    objects = patched(tmp_path)
    for each in workloads(objects):
        for protocol in ("UDP", "TCP"):
            assert is_allowed(objects, pod(each), elsewhere("openshift-dns"), 5353, protocol)
            assert is_allowed(objects, pod(each), elsewhere("kube-system"), 53, protocol)


def test_a_hub_s_token_is_a_file_of_the_secret_that_only_the_job_for_the_weights_has(tmp_path: Path) -> None:
    readers = [each for each in workloads(rendered_with(tmp_path, "hub-access")) if "HF_TOKEN_PATH" in each.env]
    (job,) = readers
    assert (job.kind, job.name) == ("Job", "weights")
    (folder,) = [each["mountPath"] for each in job.container["volumeMounts"] if each["name"] == "secrets"]
    assert job.env["HF_TOKEN_PATH"] == f"{folder}/hf_token"
    (tmp_path / "hf_token").write_text("hf_of_the_job")
    ask = [sys.executable, "-c", "from huggingface_hub import get_token; print(get_token())"]
    env = {"PATH": os.environ["PATH"], "HF_TOKEN_PATH": str(tmp_path / "hf_token")}
    assert subprocess.check_output(ask, env=env, text=True).strip() == "hf_of_the_job"
