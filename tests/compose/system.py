"""The system of docker-compose.yml as a user runs it, in a folder of its own, on the test's base images."""

import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compose.commands import Budget, run
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
_MODEL = ROOT / "selfsynth/demo/base/checkpoint"
_PROJECT = "selfsynth-test"
_TAG = "test"
_ALL = ("--profile", "demo")
_UP_S, _DOWN_S, _CLIENT_S = 600.0, 120.0, 120.0


@dataclass(frozen=True)
class System:
    """`images` are the variables that name base images; secrets are made in `folder`. `budget` is for what it does
    when it is built."""

    docker: str
    budget: Budget
    images: Mapping[str, str]
    folder: Path
    port: int

    @classmethod
    def prepared(cls, docker: str, budget: Budget, images: Mapping[str, str], folder: Path) -> "System":
        """With secrets of its own in the folder, and a copy of the model that every user may read."""
        run(sys.executable, str(ROOT / "tools/make_secrets.py"), str(folder / "secrets"), within_s=30)
        model = Path(shutil.copytree(_MODEL, folder / "model"))
        for file in (model, *model.iterdir()):
            file.chmod(0o755)
        return cls(docker, budget, images, folder, free_port())

    def build(self, within_s: float) -> None:
        """Every image, with the demo's."""
        self.compose(*_ALL, "build", within_s=within_s)

    def up(self, *options: str) -> None:
        """Return when all that others wait for is healthy."""
        self.compose("up", "--detach", "--no-build", *options, within_s=self.budget.within_s(_UP_S))

    def down(self) -> None:
        self.compose(*_ALL, "down", "--volumes", "--timeout", "5", within_s=_DOWN_S)

    def client(self, *words: str) -> str:
        """What the demo's container says to other words than its own."""
        options = ("run", "--rm", "--no-deps", "-T", "demo")
        return self.compose(*options, *words, within_s=self.budget.within_s(_CLIENT_S))

    def compose(self, *words: str, within_s: float, files: Sequence[str] = ()) -> str:
        """docker-compose 1.29, which builds with BuildKit only through the docker command."""
        builder = {"COMPOSE_DOCKER_CLI_BUILD": "1", "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        path = {"PATH": f"{Path(self.docker).parent}:{os.environ['PATH']}"} if "/" in self.docker else {}
        own = {
            "SELFSYNTH_TAG": _TAG,
            "SELFSYNTH_PORT": str(self.port),
            "SELFSYNTH_MODEL_FOLDER": str(self.folder / "model"),
            "SELFSYNTH_SECRETS_FOLDER": str(self.folder / "secrets"),
        }
        command = ("docker-compose", "--project-name", _PROJECT, *files, *words)
        return run(*command, within_s=within_s, env={**self.images, **own, **builder, **path}, cwd=ROOT)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What the engine knows of each container of a service, or of all."""
        ids = self.compose("ps", "--quiet", *([service] if service else []), within_s=60).split()
        found: list[dict[str, Any]] = json.loads(run(self.docker, "inspect", *ids, within_s=60))
        return found

    def kill(self, service: str) -> None:
        """As when memory runs out: the process is gone, and the engine was not told; `docker kill` tells it."""
        os.kill(self.containers(service)[0]["State"]["Pid"], signal.SIGKILL)

    def wait_until(self, true: Callable[[], bool], within_s: float, what: str) -> None:
        """Raises TimeoutError that names `what`, with the logs."""
        deadline = time.monotonic() + self.budget.within_s(within_s)
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no longer waited for: {what}\n{self.logs()}")
            time.sleep(0.2)

    def shell(self, lines: str, within_s: float, **variables: object) -> str:
        """Run lines of bash in the folder, after setting variables. Returns what they print."""
        given = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in variables.items())
        command = ("bash", "-euo", "pipefail", "-c", given + lines)
        return run(*command, within_s=self.budget.within_s(within_s), cwd=self.folder)

    def logs(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "40", within_s=60)
