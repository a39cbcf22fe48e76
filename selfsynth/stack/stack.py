"""The whole stack in one folder: databases first, then every service; workers stop first, databases last.

Holds the folder's lock while it runs. Nothing it starts outlives it, however it ends (see guard.py).
"""

import contextlib
import dataclasses
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx

from selfsynth.stack.lock import FolderLock
from selfsynth.stack.ports import LOOPBACK
from selfsynth.stack.postgres import await_postgres, database_url, make_cluster, postgres_program, start_postgres
from selfsynth.stack.preflight import choose_ports, empty_folder, prepare_folder, require_installed
from selfsynth.stack.processes import Process, Program
from selfsynth.stack.programs import SERVICES, StackOptions, service_programs
from selfsynth.stack.record import Keys, StackRecord, read_record
from selfsynth.stack.valkey import await_valkey, redis_url, start_valkey, valkey_program
from shared.errors import NotFound, SystemFault

if TYPE_CHECKING:
    from selfsynth.stack.pulse import Pulse

__all__ = ["SERVICES", "Stack", "StackOptions"]

_READY_S = 120.0
_VLLM_READY_S = 600.0
# Workers hand their steps back through the API, so it must outlive them; all others before the databases.
_STOP_ORDER = (("generator", "selector", "trainer", "data"), ("engine", "api"), ("valkey",), ("postgres",))


class Stack:
    """`start` and `stop`, or a context manager.

    `services` are the services to start beside the databases; `env` lays extra environment variables over a process's
    own, by its name. Raises Conflict (folder in use, named port taken), StoreFull, InvalidInput (folder or model), or
    SystemFault with the end of the log of what did not start.
    """

    def __init__(
        self,
        folder: Path,
        options: StackOptions | None = None,
        *,
        services: Collection[str] = SERVICES,
        env: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.options = options or StackOptions()
        self._services = tuple(name for name in SERVICES if name in services)
        self._env = env or {}
        self._lock = FolderLock(self.folder)
        self._record: StackRecord | None = None
        self._processes: dict[str, Process] = {}
        self._pulse: Pulse | None = None

    @property
    def record(self) -> StackRecord:
        """Addresses and keys. Raises NotFound before `start`."""
        if self._record is None:
            raise NotFound(f"the stack in {self.folder} was not started", remedy="Call start().")
        return self._record

    @property
    def url(self) -> str:
        return self.record.url

    @property
    def api_key(self) -> str:
        return self.record.keys.api

    def process(self, name: str) -> Process:
        """`postgres`, `valkey` or a service: to look at, kill or restart."""
        return self._processes[name]

    def exits(self) -> dict[str, int]:
        """How often each process has died since it was started."""
        return {name: process.exits for name, process in self._processes.items()}

    def start(self) -> None:
        """Return when every service is ready to work. Whatever fails, nothing is left running."""
        prepare_folder(self.folder)
        require_installed(self.options, self._services)
        with contextlib.ExitStack() as undo:
            undo.enter_context(self._lock)
            undo.callback(self._stop_processes)
            self._record = self._describe()
            self._start_databases(self._record)
            self._record.write(self.folder)
            self._start_services(self._record)
            self.await_ready()
            self._watch_engine(self._record)
            undo.pop_all()

    def await_ready(self) -> None:
        """Wait until databases, API and engine answer. Raises SystemFault when one keeps dying or takes too long."""
        record = self.record
        await_postgres(self._processes["postgres"], self.folder / "postgres")
        await_valkey(self._processes["valkey"], record.redis_url)
        with httpx.Client(timeout=2) as http:
            engine_s = _VLLM_READY_S if self.options.engine == "vllm" else _READY_S
            for name, url, key, within_s in (
                ("api", f"{record.url}/health/live", record.keys.api, _READY_S),
                ("engine", f"{record.engine_url}/v1/models", record.keys.engine, engine_s),
            ):
                if name in self._processes:
                    answers = _Answers(http, url, key)
                    self._processes[name].await_ready(answers, within_s=within_s)
        for name in self._services:
            self._processes[name].await_ready(lambda: True, within_s=_READY_S)

    def stop(self) -> None:
        """Stop everything in order and free the folder. Safe to call twice."""
        self._stop_processes()
        self._lock.__exit__(None, None, None)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _describe(self) -> StackRecord:
        """The record of this run: the last one's keys, and its ports as far as they are free."""
        before = read_record(self.folder)
        if before is None and (self.folder / "postgres").exists():
            raise SystemFault(
                f"{self.folder} holds a database but no stack.json, and so no password to it",
                remedy="Restore stack.json, or name another folder with --folder.",
            )
        ports = choose_ports(before.ports if before else {}, self.options.port)
        keys = before.keys if before else Keys()
        return StackRecord(
            pid=os.getpid(),
            url=f"http://{LOOPBACK}:{ports['api']}",
            engine_url=f"http://{LOOPBACK}:{ports['engine']}",
            database_url=database_url(ports["postgres"], keys.postgres),
            redis_url=redis_url(ports["valkey"], keys.valkey),
            store_url=self.options.store_url or (self.folder / "objects").as_uri(),
            model=self.options.model_name,
            ports=ports,
            keys=keys,
        )

    def _start_databases(self, record: StackRecord) -> None:
        # Written before the cluster: a data directory whose password is lost would be of no use.
        record.write(self.folder)
        data, logs = self.folder / "postgres", self.folder / "logs"
        make_cluster(data, record.keys.postgres, logs / "initdb.log")
        postgres = self._add(postgres_program(data, record.ports["postgres"], logs / "postgres.log"))
        valkey = self._add(
            valkey_program(self.folder / "valkey", record.ports["valkey"], record.keys.valkey, logs / "valkey.log")
        )
        start_postgres(postgres, data)
        start_valkey(valkey, record.redis_url)

    def _start_services(self, record: StackRecord) -> None:
        empty_folder(self.folder / "tmp")
        programs = service_programs(self.folder, record, self.options)
        for name in self._services:
            self._add(programs[name]).start()

    def _watch_engine(self, record: StackRecord) -> None:
        if "engine" in self._processes:
            # Reads the engine's figures with a package that comes with the engine only.
            from selfsynth.stack.pulse import Pulse

            self._pulse = Pulse(self._processes["engine"], record.engine_url, self.options.engine_deadline_s)
            self._pulse.start()

    def _add(self, program: Program) -> Process:
        env = {**program.env, **self._env.get(program.name, {})}
        self._processes[program.name] = process = Process(dataclasses.replace(program, env=env))
        return process

    def _stop_processes(self) -> None:
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        for names in _STOP_ORDER:
            together = [self._processes[name] for name in names if name in self._processes]
            if together:
                with ThreadPoolExecutor(len(together)) as pool:
                    list(pool.map(Process.stop, together))


class _Answers:
    """Whether a server answers a GET well."""

    def __init__(self, http: httpx.Client, url: str, key: str) -> None:
        self._http, self._url, self._headers = http, url, {"Authorization": f"Bearer {key}"}

    def __call__(self) -> bool:
        try:
            return self._http.get(self._url, headers=self._headers).is_success
        except httpx.TransportError:
            return False
