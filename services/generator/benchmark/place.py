"""Where lmms-eval is and what it may reach: what the operator chose, as a command, its settings and its environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.generator.benchmark.door import Address
from shared.errors import SystemFault
from shared.job_settings import BenchmarkSettings

MODEL = "model"
"""What lmms-eval calls the model: it treats some names in ways of their own, and ours are drawn by chance."""
RESULTS = "results"
_LAUNCH = Path(__file__).with_name("launch.py")
# The rest of the worker's environment, its keys above all, is no business of a task's code.
_KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "XDG_CACHE_HOME", "NLTK_DATA",
)  # fmt: skip
_KEPT_FOR_HUB = ("HF_ENDPOINT", "HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
# Where tasks look for a judge.
_JUDGES = (
    "OPENAI_API_URL", "OPENAI_BASE_URL", "OPENAI_API_BASE", "AZURE_ENDPOINT", "AZURE_OPENAI_ENDPOINT", "JUDGE_BASE_URL",
)  # fmt: skip
_JUDGE_KEYS = ("OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "JUDGE_API_KEY")


@dataclass(frozen=True)
class Place:
    """`python` is that of lmms-eval's environment (None: there is none here), `folders` hold tasks beside its own. With
    `uses_hub` it may load data from the model hub; else only from the cache. It is ended when it asks nothing for
    `quiet_s` seconds."""

    python: Path | None
    folders: tuple[Path, ...] = ()
    uses_hub: bool = False
    quiet_s: float = 1800.0

    def check(self) -> None:
        """Raises SystemFault where benchmarks cannot be run."""
        if self.python is None or not self.python.is_file():
            where = "names none" if self.python is None else f"names {self.python}, which is not there"
            raise SystemFault(
                f"this worker has no environment for benchmarks: SELFSYNTH_BENCHMARK_PYTHON {where}",
                remedy="Run tools/install_lmms_eval.sh beside every generation worker; name the Python that it makes.",
                code="benchmark_not_installed",
            )
        if missing := [str(folder) for folder in self.folders if not folder.is_dir()]:
            raise SystemFault(
                f"there is no folder with tasks at {', '.join(missing)}",
                remedy="Correct SELFSYNTH_BENCHMARK_FOLDERS of the generation worker.",
                code="benchmark_not_installed",
            )

    def command(self, config: Path) -> tuple[str, ...]:
        return (str(self.python), str(_LAUNCH), str(config), str(os.getpid()))

    def environment(self, scratch: Path, address: Address) -> dict[str, str]:
        kept = (*_KEPT, *(_KEPT_FOR_HUB if self.uses_hub else ()))
        found = {name: os.environ[name] for name in kept if name in os.environ}
        offline = {} if self.uses_hub else dict.fromkeys(_OFFLINE, "1")
        judges = dict.fromkeys(_JUDGES, address.judge_url) | dict.fromkeys(_JUDGE_KEYS, "none")
        ours = {
            "TMPDIR": str(scratch),
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONUNBUFFERED": "1",
            "PYTHON_DOTENV_DISABLED": "1",  # it would look for files of settings in every folder above its own
            "WANDB_MODE": "disabled",
            "DO_NOT_TRACK": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        return found | offline | judges | ours


def config_of(
    settings: BenchmarkSettings, folders: tuple[Path, ...], scratch: Path, address: Address, at_once: int
) -> dict[str, Any]:
    """lmms-eval's own arguments. Requests are tried once: the door tries again, and knows for how long."""
    model = {
        "model": MODEL,
        "base_url": address.url,
        "api_key": address.key,
        "num_concurrent": at_once,
        "max_retries": 1,
        "httpx_trust_env": False,
    }
    config = {
        "model": "openai",
        "model_args": ",".join(f"{name}={value}" for name, value in model.items()),
        "tasks": ",".join(settings.tasks),
        "batch_size": "1",
        "log_samples": True,
        "output_path": str(scratch / RESULTS),
        "timezone": "UTC",
    }
    chosen = {"include_path": [str(folder.absolute()) for folder in folders] or None, "limit": settings.limit}
    return config | {name: value for name, value in chosen.items() if value is not None}
