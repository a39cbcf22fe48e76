"""Who may reach whom: the network policies, read as a cluster reads them."""

import itertools
from typing import Any

import pytest

from tests.k8s.rendering import OVERLAYS, Object, of_kind, rendered, rendered_with_options, workloads

_WORKERS = {"data-worker", "generator", "selector", "trainer"}
# Component -> who may reach it.
EXPECTED = {
    "postgres": {"api", "migrate"},
    "redis": {"api", *_WORKERS},
    "s3": {"api", "engine", "migrate", "weights", *_WORKERS},
    "api": _WORKERS,
    "engine": {"api", "generator"},
}
_PORTS = {"postgres": 5432, "redis": 6379, "s3": 8333, "api": 8000, "engine": 8000}


def components(objects: tuple[Object, ...]) -> dict[str, dict[str, str]]:
    return {pod.component: pod.labels for pod in workloads(objects)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_part_reaches_what_it_must_and_nothing_else(overlay: str) -> None:
    objects = rendered(overlay)
    labels = components(objects)
    for source, target in itertools.product(labels, labels):
        if (source, target) == ("trainer", "trainer") and overlay == "gpu-multi-node":
            continue
        port = _PORTS.get(target, 9464)
        may = is_allowed(objects, labels[source], labels[target], port)
        assert may is (source in EXPECTED.get(target, set())), f"{source} to {target}:{port}"


def test_only_the_machines_of_a_training_reach_each_other_on_any_port() -> None:
    for overlay in OVERLAYS:
        labels = components(rendered(overlay))
        may = is_allowed(rendered(overlay), labels["trainer"], labels["trainer"], 29500)
        assert may is (overlay == "gpu-multi-node")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_port_that_nobody_serves_is_shut(overlay: str) -> None:
    objects = rendered(overlay)
    labels = components(objects)
    assert not is_allowed(objects, labels["api"], labels["engine"], 8001)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_part_has_a_policy_of_its_own_beside_the_one_that_shuts_everything(overlay: str) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered(overlay), "NetworkPolicy")}
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for component in components(rendered(overlay)):
        assert policies[component]["podSelector"]["matchLabels"] == {"app.kubernetes.io/component": component}


def test_nobody_reaches_the_internet_unless_told(tmp_path: Any) -> None:
    def asking(objects: tuple[Object, ...] | list[Object]) -> set[str]:
        blocks = [
            (each["metadata"]["name"], peer["ipBlock"]["cidr"])
            for each in of_kind(objects, "NetworkPolicy")
            for rule in each["spec"].get("egress", [])
            for peer in rule.get("to", [])
            if "ipBlock" in peer
        ]
        return {name for name, cidr in blocks if cidr == "0.0.0.0/0"}

    assert not any(asking(rendered(overlay)) for overlay in OVERLAYS)
    assert asking(rendered_with_options(tmp_path)) == {"hub-access", "concept-endpoints"}


def is_allowed(objects: tuple[Object, ...], source: dict[str, str], target: dict[str, str], port: int) -> bool:
    """Between two pods of the namespace. A pod that no policy of a direction selects is open to it."""
    policies = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
    out = [spec for spec in policies if "Egress" in spec["policyTypes"] and selects(spec["podSelector"], source)]
    into = [spec for spec in policies if "Ingress" in spec["policyTypes"] and selects(spec["podSelector"], target)]
    leaves = not out or any(lets(rule, "to", target, port) for spec in out for rule in spec.get("egress", []))
    enters = not into or any(lets(rule, "from", source, port) for spec in into for rule in spec.get("ingress", []))
    return leaves and enters


def lets(rule: dict[str, Any], side: str, peer: dict[str, str], port: int) -> bool:
    if "ports" in rule and port not in [each["port"] for each in rule["ports"]]:
        return False
    pods = [each["podSelector"] for each in rule[side] if "podSelector" in each and "namespaceSelector" not in each]
    return any(selects(selector, peer) for selector in pods)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    among = (labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
    return wanted and all(among)
