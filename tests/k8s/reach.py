"""Network policies, evaluated as a cluster does it: whether one place may open a connection to another. Knows the rules
of policies, nothing of who should reach whom."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.k8s.rendering import Object, Workload, of_kind

OWN: Mapping[str, str] = {"kubernetes.io/metadata.name": "selfsynth"}


@dataclass(frozen=True)
class Place:
    """A pod: its labels, its namespace's, the numbers of its ports by name. Or an address outside of the cluster."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=lambda: OWN)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""

    @property
    def is_ours(self) -> bool:
        return not self.address and self.namespace == OWN


def pod(workload: Workload) -> Place:
    named = {port["name"]: port["containerPort"] for port in workload.container.get("ports", [])}
    return Place(labels=workload.labels, ports=named)


def elsewhere(namespace: str, **labels: str) -> Place:
    """A pod in a namespace of that name."""
    return Place(namespace={"kubernetes.io/metadata.name": namespace} | labels)


def outside(address: str) -> Place:
    return Place(address=address)


def is_allowed(
    objects: tuple[Object, ...] | list[Object], source: Place, target: Place, port: int, protocol: str = "TCP"
) -> bool:
    """Whether the policies among `objects` let it leave and let it in. Where none selects a pod, it is open."""
    leaves = _is_open(objects, "Egress", source, target, (target, port, protocol))
    return leaves and _is_open(objects, "Ingress", target, source, (target, port, protocol))


def _is_open(objects: Any, direction: str, owner: Place, peer: Place, asked: tuple[Place, int, str]) -> bool:
    if not owner.is_ours:
        return True
    policies = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
    own = [each for each in policies if direction in each["policyTypes"] and selects(each["podSelector"], owner.labels)]
    side = "to" if direction == "Egress" else "from"
    rules = [rule for each in own for rule in each.get(direction.lower(), [])]
    return not own or any(_lets(rule, side, peer) and _has_port(rule, *asked) for rule in rules)


def _has_port(rule: Object, target: Place, port: int, protocol: str) -> bool:
    if "ports" not in rule:
        return True
    listed = ((target.ports.get(each["port"], each["port"]), each.get("protocol", "TCP")) for each in rule["ports"])
    return (port, protocol) in listed


def _lets(rule: Object, side: str, place: Place) -> bool:
    return side not in rule or any(_is_peer(peer, place) for peer in rule[side])


def _is_peer(peer: Object, place: Place) -> bool:
    if "ipBlock" in peer:
        return bool(place.address) and _in_block(peer["ipBlock"], place.address)
    if place.address:
        return False
    in_namespace = selects(peer["namespaceSelector"], place.namespace) if "namespaceSelector" in peer else place.is_ours
    return in_namespace and selects(peer.get("podSelector", {}), place.labels)


def _in_block(block: Object, address: str) -> bool:
    networks = [ipaddress.ip_network(each) for each in (block["cidr"], *block.get("except", []))]
    within, *excepted = (ipaddress.ip_address(address) in network for network in networks)
    return within and not any(excepted)


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(_expressions(selector, labels))


def _expressions(selector: Object, labels: Mapping[str, str]) -> Iterator[bool]:
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", f"{each['operator']}: this knows only In"
        yield labels.get(each["key"]) in each["values"]
