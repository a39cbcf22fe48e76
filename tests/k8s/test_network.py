"""Who may reach whom: the network policies, read as a cluster reads them."""

import itertools
from pathlib import Path

import pytest

from tests.k8s.reach import Place, elsewhere, is_allowed, outside, pod
from tests.k8s.rendering import OVERLAYS, Object, of_kind, rendered, rendered_with, rendered_with_options, workloads

_WORKERS = {"data-worker", "generator", "selector", "trainer"}
_AT_STORE = {"api", "engine", "weights", *_WORKERS}
# Component -> who may reach it.
EXPECTED = {
    "postgres": {"api", "migrate"},
    "redis": {"api", *_WORKERS},
    "s3": {"migrate", *_AT_STORE},
    "api": _WORKERS,
    "engine": {"api", "generator"},
}
_PORTS = {"postgres": 5432, "redis": 6379, "s3": 8333, "api": 8000, "engine": 8000}
_SCRAPED = {"api": 8000, "engine": 8000} | dict.fromkeys(_WORKERS, 9464)
_WITH_STORES = ("cpu-demo", "gpu-single")
_CLUSTERS = ("gpu-cluster", "gpu-multi-node")
_ON_THE_INTERNET, _PRIVATE, _METADATA = outside("198.51.100.7"), outside("10.0.0.7"), outside("169.254.169.254")
_GATEWAY = elsewhere("gateway", **{"selfsynth.example/may-call-api": "true"})

Objects = tuple[Object, ...] | list[Object]


def components(objects: Objects) -> dict[str, Place]:
    return {each.component: pod(each) for each in workloads(objects)}


def who_reaches(objects: Objects, target: Place, port: int, protocol: str = "TCP") -> set[str]:
    found = components(objects).items()
    return {name for name, place in found if is_allowed(objects, place, target, port, protocol)}


def what_is_reached(objects: Objects, source: Place, ports: dict[str, int]) -> set[str]:
    """Components on the port that `ports` gives."""
    found = components(objects).items()
    return {name for name, place in found if name in ports and is_allowed(objects, source, place, ports[name])}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_part_reaches_what_it_must_and_nothing_else(overlay: str) -> None:
    objects = rendered(overlay)
    places = components(objects)
    for source, target in itertools.product(places, places):
        if (source, target) == ("trainer", "trainer") and overlay == "gpu-multi-node":
            continue
        port = _PORTS.get(target, 9464)
        may = is_allowed(objects, places[source], places[target], port)
        assert may is (source in EXPECTED.get(target, set())), f"{source} to {target}:{port}"


def test_only_the_machines_of_a_training_reach_each_other_on_any_port() -> None:
    for overlay in OVERLAYS:
        trainer = components(rendered(overlay))["trainer"]
        may = is_allowed(rendered(overlay), trainer, trainer, 29500)
        assert may is (overlay == "gpu-multi-node")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_port_that_nobody_serves_is_shut(overlay: str) -> None:
    objects = rendered(overlay)
    places = components(objects)
    assert not is_allowed(objects, places["api"], places["engine"], 8001)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_part_has_a_policy_of_its_own_beside_the_one_that_shuts_everything(overlay: str) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered(overlay), "NetworkPolicy")}
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for component in components(rendered(overlay)):
        assert policies[component]["podSelector"]["matchLabels"] == {"app.kubernetes.io/component": component}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everybody_asks_the_cluster_s_servers_for_names_and_no_others(overlay: str) -> None:
    objects = rendered(overlay)
    everybody = components(objects).keys()
    for protocol in ("UDP", "TCP"):
        for server in (elsewhere("kube-system"), outside("169.254.20.10")):
            assert who_reaches(objects, server, 53, protocol) == everybody
        for other in (elsewhere("default"), _ON_THE_INTERNET, outside("169.254.20.11")):
            assert who_reaches(objects, other, 53, protocol) == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_users_come_to_the_coordinator_by_a_gateway_whose_namespace_is_labelled(overlay: str) -> None:
    objects = rendered(overlay)
    assert what_is_reached(objects, _GATEWAY, _PORTS) == {"api"}
    for stranger in (elsewhere("default"), elsewhere("kube-system"), _ON_THE_INTERNET, _PRIVATE):
        assert what_is_reached(objects, stranger, _PORTS) == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_prometheus_scrapes_whoever_has_figures_where_it_is_asked_to(overlay: str) -> None:
    objects = rendered(overlay)
    monitored = set(_SCRAPED) if overlay in _CLUSTERS else set()
    assert what_is_reached(objects, elsewhere("monitoring"), _SCRAPED) == monitored
    assert not {"postgres", "redis"} & what_is_reached(objects, elsewhere("monitoring"), _PORTS)


@pytest.mark.parametrize("overlay", _CLUSTERS)
def test_managed_stores_are_reached_by_those_that_need_them(overlay: str) -> None:
    """The addresses are examples; to the cloud's identities they are anywhere outside, so without those."""
    objects = [each for each in rendered(overlay) if each["metadata"]["name"] != "cloud-identities"]
    assert who_reaches(objects, outside("192.0.2.7"), 5432) == EXPECTED["postgres"]
    assert who_reaches(objects, outside("192.0.2.70"), 6379) == EXPECTED["redis"]
    assert who_reaches(objects, outside("192.0.2.130"), 443) == _AT_STORE
    assert who_reaches(objects, outside("192.0.2.70"), 5432) == set()


@pytest.mark.parametrize("overlay", _CLUSTERS)
def test_who_uses_the_store_may_ask_the_cloud_for_keys_but_nobody_asks_for_the_node_s(overlay: str) -> None:
    objects = rendered(overlay)
    assert who_reaches(objects, _ON_THE_INTERNET, 443) == _AT_STORE
    assert who_reaches(objects, outside("169.254.170.23"), 80) == _AT_STORE
    for address in (_METADATA, _PRIVATE):
        assert who_reaches(objects, address, 80) | who_reaches(objects, address, 443) == set()


@pytest.mark.parametrize("overlay", _WITH_STORES)
def test_nobody_reaches_anything_outside_where_the_stores_are_in_the_cluster(overlay: str) -> None:
    for address in (_ON_THE_INTERNET, _PRIVATE, _METADATA, outside("169.254.170.23"), elsewhere("monitoring")):
        for port in (80, 443, 4318, 5432, 6379, 8333):
            assert who_reaches(rendered(overlay), address, port) == set()


def test_keda_counts_messages_in_a_redis_of_the_cluster_and_reaches_nothing_else(tmp_path: Path) -> None:
    objects = rendered_with(tmp_path, "data-stores", "trainer-jobs", "autoscaling")
    assert what_is_reached(objects, elsewhere("keda"), _PORTS) == {"redis"}


def test_options_open_what_they_are_for(tmp_path: Path) -> None:
    objects = rendered_with_options(tmp_path)
    assert who_reaches(objects, _ON_THE_INTERNET, 443) == {"weights", "data-worker", "generator"}
    assert who_reaches(objects, _PRIVATE, 443) == set()
    assert who_reaches(objects, elsewhere("monitoring"), 4318) == set(_SCRAPED)
