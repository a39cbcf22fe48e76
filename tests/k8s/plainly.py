"""Runs the pods of rendered manifests as plain processes of this machine: each container's own command, environment,
secret files and probes. What a cluster would give them (names, ports, volumes) is put in by one table a pod."""

import base64
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from selfsynth.stack.processes import Process, Program
from tests.k8s.rendering import ROOT, Object, Workload, of_kind, workloads
from tests.ports import free_port

_START_S = 400.0
_CPUS = "1"


class PlainPods:
    """`addresses`: what stands for the stores' names. `files`: what an image has that this machine has elsewhere."""

    def __init__(
        self,
        folder: Path,
        objects: tuple[Object, ...],
        secrets: Any,
        addresses: Mapping[str, str],
        files: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._configs = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
        pods = [pod for pod in workloads(objects) if pod.kind != "StatefulSet"]
        self._ports = {
            pod.name: {port["containerPort"]: free_port() for port in pod.container.get("ports", [])} for pod in pods
        }
        served = {f"{name}:8000": f"127.0.0.1:{ports[8000]}" for name, ports in self._ports.items() if 8000 in ports}
        self._shared = {**addresses, **files, **served, "0.0.0.0": "127.0.0.1"}
        authority = {"/etc/selfsynth/redis": str(folder / "secrets" / "redis-ca")}
        _write_secrets(folder / "secrets", secrets, {**self._shared, **authority})
        self.jobs = {pod.name: pod for pod in pods if pod.kind == "Job"}
        self.running = {pod.name: pod for pod in pods if pod.kind == "Deployment"}
        self._processes: dict[str, Process] = {}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name][8000]}"

    def logs(self) -> str:
        files = sorted((self._folder / "logs").glob("*.log"))
        return "\n".join(f"--- {file.stem}\n{file.read_text()[-1500:]}" for file in files)

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """All at once, as a cluster does. Open when every pod is ready by its own probe."""
        try:
            for name, pod in self.running.items():
                self._processes[name] = Process(self._program(pod, pod.container, name))
            with ThreadPoolExecutor(len(self.running) + len(self.jobs)) as pool:
                begun = [pool.submit(self._start, pod) for pod in (*self.running.values(), *self.jobs.values())]
                for each in begun:
                    each.result()
            for name, pod in self.running.items():
                self._processes[name].await_ready(lambda pod=pod: self._is_ready(pod), within_s=_START_S)  # type: ignore[misc]
            yield
        finally:
            with ThreadPoolExecutor(len(self._processes) or 1) as pool:
                list(pool.map(Process.stop, self._processes.values()))

    def is_well(self, name: str) -> bool:
        """Whether it never ended, and all its probes succeed."""
        pod, process = self.running[name], self._processes[name]
        probes = [pod.container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe")]
        return process.is_running and process.exits == 0 and all(self._answers(pod, probe) for probe in probes)

    def _is_ready(self, pod: Workload) -> bool:
        return self._answers(pod, pod.container["readinessProbe"])

    def _start(self, pod: Workload) -> None:
        for container in pod.spec.get("initContainers", []):
            Process(self._program(pod, container, f"{pod.name}-{container['name']}")).run()
        if pod.kind == "Job":
            Process(self._program(pod, pod.container, pod.name)).run()
        else:
            self._processes[pod.name].start()

    def _program(self, pod: Workload, container: Object, name: str) -> Program:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        for source in container.get("envFrom", []):
            env |= self._configs[source["configMapRef"]["name"]]
        env |= {each["name"]: each.get("value", _CPUS) for each in container.get("env", [])}
        table = self._table(pod, container)
        filled = {key: self._filled(pod, value, table) for key, value in env.items()}
        return Program(
            name, self._command(pod, container["command"], table), self._folder / "logs" / f"{name}.log", env=filled
        )

    def _command(self, pod: Workload, command: list[str], table: Mapping[str, str]) -> tuple[str, ...]:
        program, *arguments = (self._filled(pod, each, table) for each in command)
        assert program == "python"
        return (sys.executable, *arguments)

    def _table(self, pod: Workload, container: Object) -> dict[str, str]:
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        mounts = {each["mountPath"]: self._place(pod, volumes[each["name"]]) for each in container["volumeMounts"]}
        own = {f"127.0.0.1:{inside}": f"127.0.0.1:{port}" for inside, port in self._ports[pod.name].items()}
        return {**self._shared, **mounts, **own}

    def _place(self, pod: Workload, volume: Object) -> str:
        """Where a volume is on this machine."""
        if "secret" in volume:
            return str(self._folder / "secrets" / volume["secret"]["secretName"])
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        place = self._folder / "volumes" / (claim or f"{pod.name}-{volume['name']}")
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def _filled(self, pod: Workload, text: str, table: Mapping[str, str]) -> str:
        """A text that is a port is the pod's own."""
        if text.isdigit() and int(text) in self._ports[pod.name]:
            return str(self._ports[pod.name][int(text)])
        return replaced(text, table)

    def _answers(self, pod: Workload, probe: Object) -> bool:
        if "exec" in probe:
            command = self._command(pod, probe["exec"]["command"], self._table(pod, pod.container))
            return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
        port = next(
            each["containerPort"] for each in pod.container["ports"] if each["name"] == probe["httpGet"]["port"]
        )
        url = f"http://127.0.0.1:{self._ports[pod.name][port]}{probe['httpGet']['path']}"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(url, timeout=30).is_success
        return False


def replaced(text: str, table: Mapping[str, str]) -> str:
    """In one go, so that nothing that was put in is replaced again."""
    longest_first = sorted(table, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: table[found[0]], text)


def _write_secrets(folder: Path, listed: Any, table: Mapping[str, str]) -> None:
    for secret in listed["items"]:
        place = folder / secret["metadata"]["name"]
        place.mkdir(parents=True)
        for key, value in secret["data"].items():
            (place / key).write_text(replaced(base64.b64decode(value).decode(), table))
