"""What we promise of every pod, in every overlay."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from services.api.settings import ApiSettings, IngestSettings, MigrationSettings
from services.generator.engine.settings import EngineSettings
from services.generator.serving.settings import ServingSettings
from services.generator.wiring import GeneratorSettings
from services.selector.wiring import SelectorSettings
from services.trainer.parallel.machines import Machines
from services.trainer.wiring import TrainerSettings
from shared.base_weights import WeightsSettings
from tests.k8s.reach import selects
from tests.k8s.rendering import K8S, OVERLAYS, Object, Workload, of_kind, rendered, workloads

_COORDINATOR: tuple[type[BaseSettings], ...] = (ApiSettings, IngestSettings, MigrationSettings)
_OTHERS: tuple[type[BaseSettings], ...] = (GeneratorSettings, SelectorSettings, TrainerSettings, Machines)
_ENGINES: tuple[type[BaseSettings], ...] = (EngineSettings, ServingSettings, WeightsSettings)
_SECRET = ("DATABASE_URL", "REDIS_URL", "API_KEY", "WORKER_TOKEN", "ENGINE_KEY")
_GPU = "nvidia.com/gpu"
_WEIGHTS = "base-weights"
_TOKENS = PurePosixPath("/run/secrets/eks.amazonaws.com/serviceaccount")


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> tuple[Object, ...]:
    return rendered(request.param)


@pytest.fixture
def pods(objects: tuple[Object, ...]) -> list[Workload]:
    return workloads(objects)


def test_every_service_of_ours_is_there(pods: list[Workload]) -> None:
    ours = {"api", "data-worker", "engine", "generator", "migrate", "selector", "trainer", "weights"}
    assert ours <= {pod.component for pod in pods}


def test_no_container_is_root_or_may_become_it_or_write_its_own_files(pods: list[Workload]) -> None:
    for pod in pods:
        assert pod.spec["securityContext"]["runAsNonRoot"] is True, pod.name
        assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        for container in pod.containers:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, container["name"]
            assert security["allowPrivilegeEscalation"] is False, container["name"]
            assert security["capabilities"] == {"drop": ["ALL"]}, container["name"]
            assert security.get("runAsUser", pod.spec["securityContext"]["runAsUser"]) >= 10000, container["name"]


def test_no_pod_sees_its_node(pods: list[Workload]) -> None:
    for pod in pods:
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys(), pod.name
        kinds = {kind for volume in pod.spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir", "persistentVolumeClaim", "secret"}, pod.name
        assert not any("hostPort" in port for each in pod.containers for port in each.get("ports", [])), pod.name


def test_every_pod_has_an_account_of_its_own_without_a_token(pods: list[Workload], objects: tuple[Object, ...]) -> None:
    accounts = {each["metadata"]["name"]: each for each in of_kind(objects, "ServiceAccount")}
    for pod in pods:
        assert pod.spec["serviceAccountName"] == pod.component
        assert pod.spec["automountServiceAccountToken"] is False, pod.name
        assert accounts[pod.component]["automountServiceAccountToken"] is False


def test_the_namespace_admits_restricted_pods_only(objects: tuple[Object, ...]) -> None:
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    names = {each["metadata"].get("namespace") for each in objects if each is not namespace}
    assert names == {namespace["metadata"]["name"]}


def test_every_container_says_what_it_needs_and_what_it_may_have(pods: list[Workload]) -> None:
    for pod in pods:
        for container in pod.containers:
            for side in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][side].keys(), container["name"]


def test_every_image_has_a_version(pods: list[Workload]) -> None:
    for pod in pods:
        for container in pod.containers:
            _, _, tag = container["image"].rpartition(":")
            assert re.match(r"v?\d", tag), container["image"]


def test_whatever_runs_on_has_all_three_probes(pods: list[Workload]) -> None:
    for pod in pods:
        if pod.runs_on:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert probe in pod.container, f"{pod.name}: {probe}"


def test_an_engine_is_ready_and_alive_by_its_progress_and_probes_outlast_their_deadline(pods: list[Workload]) -> None:
    (engine,) = [pod for pod in pods if pod.component == "engine"]
    for name in ("readinessProbe", "livenessProbe"):
        probe = engine.container[name]
        command = probe["exec"]["command"]
        assert command[:3] == ["python", "-m", "services.generator.liveness"]
        assert probe["timeoutSeconds"] > float(command[command.index("--deadline-s") + 1])


def test_a_large_model_has_time_to_load(pods: list[Workload]) -> None:
    (engine,) = [pod for pod in pods if pod.component == "engine"]
    probe = engine.container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 1200


def test_a_rollout_is_not_called_failed_while_its_pods_may_still_start(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    wait_s = WeightsSettings.model_fields["weights_wait_s"].default
    deadlines = {
        each["metadata"]["name"]: each["spec"].get("progressDeadlineSeconds", 600)
        for each in of_kind(objects, "Deployment")
    }
    for pod in pods:
        if pod.kind == "Deployment":
            probe = pod.container["startupProbe"]
            before_s = wait_s if pod.component == "engine" else 0
            assert deadlines[pod.name] > before_s + probe["periodSeconds"] * probe["failureThreshold"], pod.name


def test_the_weights_wait_for_the_upload_where_their_store_begins_empty() -> None:
    jobs = {overlay: of_kind(rendered(overlay), "Job") for overlay in OVERLAYS}
    suspended = {
        (overlay, job["metadata"]["name"]) for overlay in OVERLAYS for job in jobs[overlay] if "suspend" in job["spec"]
    }
    assert suspended == {("gpu-single", "weights")}


def test_a_trainer_has_time_for_a_checkpoint_and_its_upload(pods: list[Workload]) -> None:
    for pod in pods:
        if pod.component == "trainer":
            assert pod.spec["terminationGracePeriodSeconds"] > 2 * float(pod.env["SELFSYNTH_TRAINER_GRACE_S"])


def test_whoever_is_asked_goes_on_answering_until_nobody_asks(pods: list[Workload]) -> None:
    for pod in pods:
        if pod.component in ("api", "engine"):
            pause = pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert 5 < pause < pod.spec["terminationGracePeriodSeconds"] - 20


def test_replicas_are_spread_and_only_some_of_them_are_taken_away(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    budgets = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "PodDisruptionBudget")}
    for pod in pods:
        if pod.kind == "Deployment":
            (spread,) = pod.spec["topologySpreadConstraints"]
            for selector in (spread["labelSelector"], budgets[pod.name]["selector"]):
                assert selector["matchLabels"].items() <= pod.labels.items(), pod.name
            assert budgets[pod.name]["maxUnavailable"] >= 1, f"{pod.name}: its node could never be drained"
    assert budgets.keys() == {pod.name for pod in pods if pod.kind == "Deployment"}


def test_selectors_find_their_pods_and_services_a_port_that_is_there(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    for service in of_kind(objects, "Service"):
        selector = service["spec"]["selector"].items()
        (pod,) = [pod for pod in pods if selector <= pod.labels.items()]
        ports = {port["name"] for port in pod.container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, service["metadata"]["name"]
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_engines_are_looked_up_one_by_one(objects: tuple[Object, ...]) -> None:
    (service,) = [each for each in of_kind(objects, "Service") if each["metadata"]["name"] == "engine"]
    assert service["spec"]["clusterIP"] == "None"
    assert settings_of(objects)["SELFSYNTH_ENGINE_URL"] == "dns+http://engine:8000"


def test_secrets_are_files_named_by_reference_and_stand_nowhere_else(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    assert not of_kind(objects, "Secret")
    assert secret_mounts(pods) == {settings_of(objects)["SELFSYNTH_SECRETS_DIR"]}
    plain = {*settings_of(objects), *(name for pod in pods for name in pod.env)}
    assert not {f"SELFSYNTH_{name}" for name in _SECRET} & plain
    assert "secret" not in settings_of(objects)["SELFSYNTH_STORE_OPTIONS"]
    for pod in pods:
        for container in pod.containers:
            sources = [each.get("valueFrom", {}) for each in container.get("env", [])] + container.get("envFrom", [])
            assert not any("secretKeyRef" in source or "secretRef" in source for source in sources), pod.name


def test_configmaps_that_pods_name_are_there_and_carry_a_hash_of_what_they_say(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    found = {each["metadata"]["name"]: each["metadata"]["labels"] for each in of_kind(objects, "ConfigMap")}
    named = {each["configMapRef"]["name"] for pod in pods for one in pod.containers for each in one.get("envFrom", [])}
    assert all(re.search(r"-[a-z0-9]{10}$", name) for name in named)
    assert {name for name, labels in found.items() if "grafana_dashboard" not in labels} == named


def test_every_setting_is_one_that_a_process_reads(pods: list[Workload], objects: tuple[Object, ...]) -> None:
    known = set(field_names((*_COORDINATOR, *_OTHERS, *_ENGINES))) | {"SELFSYNTH_SECRETS_DIR"}
    given = {*settings_of(objects), *(name for pod in pods for name in pod.env)}
    assert {name for name in given if name.startswith("SELFSYNTH_")} <= known


def test_a_pod_has_as_many_processes_as_gpus_and_tolerates_their_nodes(pods: list[Workload]) -> None:
    settings = {"engine": "SELFSYNTH_ENGINE_TENSOR_PARALLEL", "trainer": "SELFSYNTH_TRAINER_PROCESSES"}
    for pod in pods:
        limits = pod.container["resources"]["limits"]
        if _GPU in limits:
            assert pod.env[settings[pod.component]] == limits[_GPU] == pod.container["resources"]["requests"][_GPU]
            assert {"key": _GPU, "operator": "Exists", "effect": "NoSchedule"} in pod.spec["tolerations"]
            (shm,) = [each for each in pod.container["volumeMounts"] if each["mountPath"] == "/dev/shm"]
            assert volume(pod, shm["name"])["emptyDir"]["medium"] == "Memory"


def test_only_overlays_for_gpus_ask_for_them() -> None:
    asking = {name for name in OVERLAYS for pod in workloads(rendered(name)) if _GPU in str(pod.container["resources"])}
    assert asking == {name for name in OVERLAYS if name.startswith("gpu")}


def test_a_trainer_s_threads_fit_its_cores(pods: list[Workload]) -> None:
    for pod in pods:
        if pod.component == "trainer":
            processes, threads = (int(pod.env[f"SELFSYNTH_TRAINER_{name}"]) for name in ("PROCESSES", "THREADS"))
            assert processes * threads <= int(pod.container["resources"]["limits"]["cpu"])


def test_the_engine_serves_adapters_of_the_rank_that_jobs_may_have(objects: tuple[Object, ...]) -> None:
    settings = settings_of(objects)
    assert settings["SELFSYNTH_MAX_LORA_RANK"] == settings["SELFSYNTH_ENGINE_MAX_LORA_RANK"]


def test_base_weights_are_read_only_but_for_the_job_that_fills_them_and_nobody_asks_a_hub(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    settings = settings_of(objects)
    assert (settings["HF_HUB_OFFLINE"], settings["TRANSFORMERS_OFFLINE"]) == ("1", "1")
    for pod in pods:
        assert "HF_HUB_OFFLINE" not in pod.env
        for container in pod.containers:
            for mount in container["volumeMounts"]:
                if mount["name"] == "models":
                    assert mount.get("readOnly", False) is (pod.component != "weights"), container["name"]


def test_who_mounts_a_volume_of_one_machine_runs_on_that_machine(
    pods: list[Workload], objects: tuple[Object, ...]
) -> None:
    """The first one must find a place though no other is there: a cluster admits a pod that its own term selects."""
    (claim,) = [each for each in of_kind(objects, "PersistentVolumeClaim") if each["metadata"]["name"] == _WEIGHTS]
    sharing = [pod for pod in pods if any(_claim(each) == _WEIGHTS for each in pod.spec["volumes"])]
    assert {pod.component for pod in sharing} == {"engine", "trainer", "weights"}
    if claim["spec"]["accessModes"] == ["ReadWriteMany"]:
        assert not any("affinity" in pod.spec for pod in sharing)
        return
    terms = {pod.component: _together(pod) for pod in sharing}
    anchors = {pod.component for pod in sharing if selects(terms[pod.component]["labelSelector"], pod.labels)}
    assert anchors == {"engine", "trainer"}, "the Job needs no GPU: first, it would go where none is"
    for term in terms.values():
        assert term["topologyKey"] == "kubernetes.io/hostname"
        assert {pod.component for pod in pods if selects(term["labelSelector"], pod.labels)} == anchors


def test_no_mount_is_where_the_cloud_puts_the_tokens_of_its_identities(pods: list[Workload]) -> None:
    """Below /var/run/secrets, which is /run/secrets: no folder can be made in a Secret."""
    for pod in pods:
        for container in pod.containers:
            for mount in container["volumeMounts"]:
                place = PurePosixPath(mount["mountPath"].replace("/var/run", "/run"))
                assert not _TOKENS.is_relative_to(place), f"{container['name']} mounts {mount['mountPath']}"


def test_what_must_be_written_has_a_volume_with_a_limit(pods: list[Workload]) -> None:
    for pod in pods:
        mounts = {mount["mountPath"] for mount in pod.container["volumeMounts"]}
        assert "/tmp" in mounts, pod.name
        for each in pod.spec["volumes"]:
            assert "emptyDir" not in each or "sizeLimit" in each["emptyDir"], f"{pod.name}: {each['name']}"


def test_hadolint_finds_nothing_in_the_image_of_the_demonstration_s_weights() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run([hadolint, *K8S.rglob("Dockerfile")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def settings_of(objects: tuple[Object, ...]) -> dict[str, str]:
    return {name: value for each in of_kind(objects, "ConfigMap") for name, value in each["data"].items()}


def secret_mounts(pods: list[Workload]) -> set[str]:
    """Where pods mount the Secret of their own."""
    return {
        mount["mountPath"]
        for pod in pods
        for each in pod.containers
        for mount in each["volumeMounts"]
        if mount["name"] == "secrets"
    }


def _claim(each: dict[str, Any]) -> str:
    return str(each.get("persistentVolumeClaim", {}).get("claimName", ""))


def _together(pod: Workload) -> dict[str, Any]:
    (term,) = pod.spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return dict(term)


def volume(pod: Workload, name: str) -> dict[str, Any]:
    (found,) = [each for each in pod.spec["volumes"] if each["name"] == name]
    return dict(found)


def field_names(settings: Iterable[type[BaseSettings]]) -> Iterable[str]:
    for each in settings:
        for name, field in each.model_fields.items():
            yield str(field.validation_alias.choices[0]) if field.validation_alias else f"SELFSYNTH_{name.upper()}"  # type: ignore[union-attr]
