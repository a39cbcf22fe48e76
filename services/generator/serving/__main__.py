"""`python -m services.generator.serving`: serve a model and its adapters with vLLM until SIGTERM.

Whatever can be known to fail is said before the minute that vLLM takes to start.
"""

import os
import sys

from pydantic import ValidationError

from services.generator.serving.settings import ServingSettings
from shared.errors import SelfSynthError

_BAD_SETTINGS = 2


def main() -> None:
    try:
        _serve(ServingSettings())
    except ValidationError as error:
        sys.exit(_told(str(error), "Set what it names, as SELFSYNTH_*."))
    except SelfSynthError as error:
        sys.exit(_told(error.message, error.remedy))


def _serve(settings: ServingSettings) -> None:
    from services.generator.serving.checkpoint import check_files

    check_files(settings.engine_model)
    # Read when torch and the hub's client are imported.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if settings.engine_threads:
        os.environ["OMP_NUM_THREADS"] = str(settings.engine_threads)
    # vLLM first: it sets what torch and transformers shall find.
    from services.generator.serving.launch import find_device, serve
    from services.generator.serving.wiring import build

    command, served = build(settings, find_device())
    print(f"serving with: {command}", file=sys.stderr, flush=True)  # noqa: T201
    try:
        serve(command, served)
    finally:
        served.files.close()


def _told(message: str, remedy: str) -> int:
    print(f"error: {message}\n{remedy}", file=sys.stderr)  # noqa: T201
    return _BAD_SETTINGS


if __name__ == "__main__":
    main()
