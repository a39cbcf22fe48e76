"""The manifests as a cluster gets them, and the pods among them, wherever their kind keeps its template."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
OVERLAYS = tuple(sorted(folder.name for folder in (K8S / "overlays").iterdir()))

Object = dict[str, Any]
_TEMPLATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Deployment": (("template",),),
    "StatefulSet": (("template",),),
    "Job": (("template",),),
    "ScaledJob": (("jobTargetRef", "template"),),
    "LeaderWorkerSet": (("leaderWorkerTemplate", "leaderTemplate"), ("leaderWorkerTemplate", "workerTemplate")),
}
_ENDING = ("Job",)


@dataclass(frozen=True)
class Workload:
    """One pod template. `runs_on`: its pods are meant to run for ever."""

    kind: str
    name: str
    template: Object

    @property
    def spec(self) -> Object:
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def container(self) -> Object:
        return dict(self.spec["containers"][0])

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def runs_on(self) -> bool:
        return self.kind not in _ENDING

    @property
    def env(self) -> dict[str, Any]:
        """Name -> value, or its dictionary `valueFrom`."""
        return {each["name"]: each.get("value", each.get("valueFrom")) for each in self.container.get("env", [])}


def render(folder: Path) -> list[Object]:
    """What kustomize makes of a folder. Without kustomize tests are left out even where all must run, since no package
    registry has it; but that is said past pytest's capture."""
    program = shutil.which("kubectl") or shutil.which("kustomize")
    if program is None:
        _leave_out(f"{folder.name} of k8s/ was NOT checked: neither kubectl nor kustomize is on this machine")
    verb = "kustomize" if program.endswith("kubectl") else "build"
    built = subprocess.run([program, verb, str(folder)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return [each for each in yaml.load_all(built.stdout, yaml.CSafeLoader) if each]


@functools.cache
def _tell(message: str) -> None:
    print(f"\n*** {message}", file=sys.__stderr__, flush=True)


def _leave_out(message: str) -> NoReturn:
    _tell(message)
    pytest.skip(message)


@functools.cache
def rendered(overlay: str) -> tuple[Object, ...]:
    return tuple(render(K8S / "overlays" / overlay))


def rendered_with(folder: Path, *components: str, **more: Any) -> list[Object]:
    """The base with these components, from a kustomization in the empty `folder` that may say `more`."""
    plan = {
        "resources": [os.path.relpath(K8S / "base", folder)],
        "components": [os.path.relpath(K8S / "components" / each, folder) for each in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(plan | more))
    return render(folder)


def rendered_with_options(folder: Path) -> list[Object]:
    """The base with every component that no overlay takes."""
    taken = {name for overlay in OVERLAYS for name in _components(K8S / "overlays" / overlay)}
    left = [each.name for each in sorted((K8S / "components").iterdir()) if each.name not in taken]
    assert left, "every component is taken: this has nothing left to look at"
    return rendered_with(folder, *left)


def _components(folder: Path) -> Iterator[str]:
    for path in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("components", []):
        yield Path(path).name


def workloads(objects: tuple[Object, ...] | list[Object]) -> list[Workload]:
    return [
        Workload(each["kind"], each["metadata"]["name"], _at(each["spec"], path))
        for each in objects
        for path in _TEMPLATES.get(each["kind"], ())
    ]


def of_kind(objects: tuple[Object, ...] | list[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def as_pods(objects: tuple[Object, ...] | list[Object]) -> list[Object]:
    """The pods of kinds that are no part of Kubernetes, for what looks at built-in kinds only."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{each.name}-{k}", "namespace": "selfsynth", **each.template["metadata"]},
            "spec": each.spec,
        }
        for k, each in enumerate(workloads(objects))
        if each.kind in ("ScaledJob", "LeaderWorkerSet")
    ]


def _at(tree: Object, path: tuple[str, ...]) -> Object:
    for key in path:
        tree = tree[key]
    return tree
