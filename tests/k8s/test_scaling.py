"""What is scaled by what, against the names that RQ and vLLM really use, and what nothing may end."""

import re
from typing import Any

import pytest
from redis import Redis
from rq import Worker
from rq.registry import StartedJobRegistry

from shared.queues import connect, queue_of
from shared.types.lifecycle import QueueName
from tests.k8s.rendering import OVERLAYS, ROOT, Object, Workload, of_kind, rendered, workloads
from tests.missing import missing
from tests.servers import valkey_url

__all__ = ["valkey_url"]

_QUEUES = {"generator": QueueName.GENERATION, "selector": QueueName.SELECTION, "trainer": QueueName.TRAINING}


@pytest.fixture
def scalers() -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in of_kind(rendered("gpu-cluster"), "ScaledObject", "ScaledJob")}


def trainers(overlay: str) -> list[Workload]:
    return [pod for pod in workloads(rendered(overlay)) if pod.component == "trainer"]


@pytest.mark.parametrize("component", _QUEUES)
def test_workers_are_scaled_by_the_lists_that_rq_keeps(component: str, scalers: dict[str, Object]) -> None:
    queue = queue_of(Redis(), _QUEUES[component])
    expected = {"waiting": queue.key, "running": StartedJobRegistry(queue=queue).key}
    names = [trigger["metadata"]["listName"] for trigger in scalers[component]["spec"]["triggers"]]
    assert names == (list(expected.values()) if component != "trainer" else [expected["waiting"]])


def test_a_message_is_counted_as_waiting_until_it_is_taken_and_then_as_running(
    valkey_url: str, scalers: dict[str, Object]
) -> None:
    """Counted as KEDA does it: a list by LLEN, a sorted set by ZCARD."""
    connection = connect(valkey_url)
    waiting, running = (each["metadata"]["listName"] for each in scalers["selector"]["spec"]["triggers"])
    queue = queue_of(connection, QueueName.SELECTION)
    queue.empty()
    job = queue.enqueue("a.handler")
    assert (connection.llen(waiting), connection.zcard(running)) == (1, 0)
    worker = Worker([queue], connection=connection, serializer="json")
    taken = worker.dequeue_job_and_maintain_ttl(None)
    assert taken is not None
    worker.prepare_execution(job)
    assert (connection.llen(waiting), connection.zcard(running)) == (0, 1)
    assert connection.type(running) == b"zset"
    job.delete()


def test_workers_are_as_many_as_messages_that_wait_or_run(scalers: dict[str, Object]) -> None:
    for name in ("generator", "selector"):
        spec = scalers[name]["spec"]
        modifiers = spec["advanced"]["scalingModifiers"]
        assert set(re.findall(r"\w+", modifiers["formula"])) == {trigger["name"] for trigger in spec["triggers"]}
        assert spec["minReplicaCount"] >= 1


def test_engines_are_scaled_by_figures_that_vllm_has(scalers: dict[str, Object]) -> None:
    loggers = list((ROOT / ".venv-vllm").glob("lib/python3*/site-packages/vllm/v1/metrics/loggers.py"))
    if not loggers:
        missing("vLLM is not installed; run tools/install_vllm.sh")
    names = set(re.findall(r'name="(vllm:\w+)"', loggers[0].read_text()))
    asked = [re.findall(r"vllm:\w+", each["metadata"]["query"]) for each in scalers["engine"]["spec"]["triggers"]]
    assert asked == [["vllm:num_requests_waiting"], ["vllm:kv_cache_usage_perc"]]
    assert {name for each in asked for name in each} <= names


def test_what_is_scaled_is_there_and_leaves_the_number_of_replicas_to_its_scaler(scalers: dict[str, Object]) -> None:
    deployments = {each["metadata"]["name"]: each for each in of_kind(rendered("gpu-cluster"), "Deployment")}
    for name, scaler in scalers.items():
        if scaler["kind"] == "ScaledObject":
            assert scaler["spec"]["scaleTargetRef"] == {"name": name}
            assert "replicas" not in deployments[name]["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_scaler_takes_a_trainer_away(overlay: str) -> None:
    targets = [each["spec"]["scaleTargetRef"] for each in of_kind(rendered(overlay), "ScaledObject")]
    assert {"name": "trainer"} not in targets
    assert not of_kind(rendered(overlay), "HorizontalPodAutoscaler")
    assert trainers(overlay)
    for pod in trainers(overlay):
        annotations = pod.template["metadata"]["annotations"]
        assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
        assert annotations["karpenter.sh/do-not-disrupt"] == "true"


def test_a_trainer_that_was_started_for_a_message_trains_to_its_end_and_ends(scalers: dict[str, Object]) -> None:
    spec = scalers["trainer"]["spec"]
    (pod,) = trainers("gpu-cluster")
    assert pod.env["SELFSYNTH_WORKER_MESSAGES"] == "1"
    assert pod.spec["restartPolicy"] == "Never"
    assert spec["jobTargetRef"]["backoffLimit"] == 0, "the coordinator tries again, and knows when"
    assert "activeDeadlineSeconds" not in spec["jobTargetRef"]
    assert spec["rollout"]["strategy"] == "gradual", "a changed ScaledJob would end the Jobs that run"
    assert spec["scalingStrategy"] == {"strategy": "accurate", "pendingPodConditions": ["Ready"]}


def test_trainers_wait_in_kueue_s_queue() -> None:
    for overlay, kind in (("gpu-cluster", "ScaledJob"), ("gpu-multi-node", "LeaderWorkerSet")):
        (trainer,) = of_kind(rendered(overlay), kind)
        assert trainer["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "selfsynth"


def test_the_machines_of_a_training_are_alike_and_meet_in_a_folder_of_their_group() -> None:
    leader, worker = trainers("gpu-multi-node")
    assert leader.spec == worker.spec
    folder = leader.env["SELFSYNTH_WORK_DIR"]
    (mount,) = [each for each in leader.container["volumeMounts"] if each["mountPath"] == folder]
    assert mount["subPathExpr"] == "group-$(GROUP)"
    assert "group-index" in str(leader.env["GROUP"])
    claims = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(rendered("gpu-multi-node"), "PersistentVolumeClaim")
    }
    assert claims["training-work"]["accessModes"] == ["ReadWriteMany"]
    assert claims["base-weights"]["accessModes"] == ["ReadWriteMany"]


def test_the_pod_of_a_job_is_the_base_s_trainer() -> None:
    """But for its size, its place, its message and its end."""

    def bare(pod: Workload) -> dict[str, Any]:
        container = {
            key: value for key, value in pod.container.items() if key not in ("resources", "env", "envFrom", "image")
        }
        left = ("affinity", "containers", "initContainers", "restartPolicy", "tolerations", "volumes")
        return {key: value for key, value in pod.spec.items() if key not in left} | container

    (job,), (deployed,) = trainers("gpu-cluster"), trainers("gpu-single")
    assert bare(job) == bare(deployed)
