"""The services' command lines and environments: each gets what it needs and no other's secrets. Starts nothing."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from selfsynth.stack.ports import LOOPBACK
from selfsynth.stack.processes import Program
from selfsynth.stack.record import StackRecord

# Enough that the engine of ours always has a full batch waiting.
_IN_FLIGHT = 192
_SOURCE_ROOT = Path(__file__).parents[2]
EngineKind = Literal["transformers", "vllm"]
# vLLM has an environment of its own (tools/install_vllm.sh): its versions are not the services'.
VLLM_PYTHON = _SOURCE_ROOT / ".venv-vllm" / "bin" / "python"
# So has lmms-eval (tools/install_lmms_eval.sh).
LMMS_EVAL_PYTHON = _SOURCE_ROOT / ".venv-lmms-eval" / "bin" / "python"
_VLLM = "services.generator.serving"
_COMMANDS: dict[str, tuple[str, ...]] = {
    "api": ("services.api", "--host", LOOPBACK, "--port", "{port}"),
    "data": ("services.api.worker",),
    "engine": ("services.generator.engine",),
    "generator": ("services.generator.worker",),
    "selector": ("services.selector.worker",),
    "trainer": ("services.trainer.worker",),
}
SERVICES = tuple(_COMMANDS)
# What a service needs beside what all have.
_LEASE_SETTINGS = ("LEASE_S", "LEASE_MARGIN_S", "RECONCILE_S")
_ENDPOINT_SETTINGS = ("CONCEPT_ENDPOINTS", "CONCEPT_OPEN_URLS")
_BENCHMARK_SETTINGS = ("BENCHMARK_PYTHON", "BENCHMARK_FOLDERS", "BENCHMARK_HUB")
_API_SETTINGS = (
    "DATABASE_URL",
    "API_KEY",
    "ENGINE_URL",
    "ENGINE_KEY",
    "IMPORT_ROOTS",
    "BENCHMARK_TASKS",
    *_LEASE_SETTINGS,
    *_ENDPOINT_SETTINGS,
)
_SETTINGS: dict[str, tuple[str, ...]] = {
    "api": _API_SETTINGS,
    "data": ("IMPORT_ROOTS", *_ENDPOINT_SETTINGS),
    "engine": tuple(f"ENGINE_{name}" for name in ("MODEL", "NAME", "HOST", "PORT", "KEY", "THREADS", "SLEEP")),
    "generator": ("ENGINE_URL", "ENGINE_KEY", "IN_FLIGHT", *_ENDPOINT_SETTINGS, *_BENCHMARK_SETTINGS),
    "selector": ("ENCODER",),
    "trainer": ("MODELS", "WORK_DIR", "TRAINER_THREADS"),
}
# These compute, one after the other; all others only wait and need one thread.
_COMPUTING = ("engine", "selector", "trainer")
_COMMON = ("STORE_URL", "STORE_OPTIONS", "REDIS_URL", "COORDINATOR_URL", "WORKER_TOKEN", "LOG_LEVEL")


@dataclass(frozen=True)
class StackOptions:
    """What a user may choose about a stack.

    `port` is the API's; None lets the stack choose. `import_roots` are the folders from which data sets may be read by
    path. `concept_endpoints` are the endpoints that may be asked for concepts, each with the place of its key, and
    `concept_open_urls` those without one: any on this machine. `threads` are those of each computing
    process; None: one a core. `engine` answers the generation steps: our own on transformers, or vLLM; one that
    computes nothing for `engine_deadline_s` while requests are open is restarted. With `engine_sleep` vLLM is started
    so that jobs may put it to sleep; our own engine always can, on a GPU. `benchmark_tasks` are the tasks of lmms-eval
    that jobs may ask for, its own or of `benchmark_folders`; only with `benchmark_hub` they load data from a hub.
    """

    port: int | None = None
    model_name: str = "tiny-birds"
    model_path: Path = _SOURCE_ROOT / "selfsynth" / "demo" / "base" / "checkpoint"
    store_url: str | None = None
    store_options: Mapping[str, str] | None = None
    import_roots: tuple[Path, ...] = ()
    lease_s: float = 15.0
    lease_margin_s: float = 3.0
    reconcile_s: float = 1.0
    encoder: str = "minilm"
    concept_endpoints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    concept_open_urls: tuple[str, ...] = ("loopback",)
    log_level: str = "INFO"
    threads: int | None = None
    engine: EngineKind = "transformers"
    engine_deadline_s: float = 120.0
    engine_sleep: bool = False
    benchmark_tasks: tuple[str, ...] = ()
    benchmark_folders: tuple[Path, ...] = ()
    benchmark_hub: bool = False

    @property
    def computing_threads(self) -> int:
        return self.threads or os.cpu_count() or 1


def service_programs(folder: Path, record: StackRecord, options: StackOptions) -> dict[str, Program]:
    settings = _all_settings(folder, record, options)
    return {name: _program(name, folder, record, options, settings) for name in SERVICES}


def _program(
    name: str, folder: Path, record: StackRecord, options: StackOptions, settings: Mapping[str, str]
) -> Program:
    python, (module, *arguments) = sys.executable, _COMMANDS[name]
    if name == "engine" and options.engine == "vllm":
        python, module = str(VLLM_PYTHON), _VLLM
    filled = (argument.format(port=record.ports["api"]) for argument in arguments)
    own = {f"SELFSYNTH_{key}": settings[key] for key in (*_COMMON, *_SETTINGS[name])}
    threads = options.computing_threads if name in _COMPUTING else 1
    env = {**_inherited(), **_thread_settings(threads), "TMPDIR": str(folder / "tmp"), **own}
    return Program(name, (python, "-m", module, *filled), folder / "logs" / f"{name}.log", env=env)


def _all_settings(folder: Path, record: StackRecord, options: StackOptions) -> dict[str, str]:
    roots = [str(root.resolve()) for root in options.import_roots]
    return {
        "STORE_URL": record.store_url,
        "STORE_OPTIONS": json.dumps(dict(options.store_options or {})),
        "REDIS_URL": record.redis_url,
        "COORDINATOR_URL": record.url,
        "WORKER_TOKEN": record.keys.worker,
        "LOG_LEVEL": options.log_level,
        "DATABASE_URL": record.database_url,
        "API_KEY": record.keys.api,
        "ENGINE_URL": record.engine_url,
        "ENGINE_KEY": record.keys.engine,
        "IMPORT_ROOTS": json.dumps(roots),
        "CONCEPT_ENDPOINTS": json.dumps({name: dict(each) for name, each in options.concept_endpoints.items()}),
        "CONCEPT_OPEN_URLS": json.dumps(list(options.concept_open_urls)),
        "LEASE_S": str(options.lease_s),
        "LEASE_MARGIN_S": str(options.lease_margin_s),
        "RECONCILE_S": str(options.reconcile_s),
        "ENGINE_MODEL": str(options.model_path),
        "ENGINE_NAME": options.model_name,
        "ENGINE_HOST": LOOPBACK,
        "ENGINE_PORT": str(record.ports["engine"]),
        "ENGINE_THREADS": str(options.computing_threads),
        "ENGINE_SLEEP": str(options.engine_sleep),
        "IN_FLIGHT": str(_IN_FLIGHT),
        "BENCHMARK_TASKS": json.dumps(options.benchmark_tasks),
        "BENCHMARK_PYTHON": str(LMMS_EVAL_PYTHON),
        "BENCHMARK_FOLDERS": json.dumps([str(folder.absolute()) for folder in options.benchmark_folders]),
        "BENCHMARK_HUB": str(options.benchmark_hub),
        "ENCODER": options.encoder,
        "MODELS": json.dumps({options.model_name: str(options.model_path)}),
        "TRAINER_THREADS": str(options.computing_threads),
        "WORK_DIR": str(folder / "training"),
    }


def _inherited() -> dict[str, str]:
    """The caller's environment without its own SELFSYNTH_* settings, and with our source root to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SELFSYNTH_")}
    paths = [str(_SOURCE_ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _thread_settings(threads: int) -> dict[str, str]:
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        # Threads that spin while they wait take the cores from the other services.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
