"""`python -m services.generator.engine`: serve until SIGTERM, then answer what was asked and end."""

import os

import uvicorn

from services.generator.engine.settings import EngineSettings
from shared.logs import configure
from shared.observing import tracing

_GRACE_S = 10
_KEEP_ALIVE_S = 120  # a client that is slow to ask again must not find its connection closed


def main() -> None:
    settings = EngineSettings()
    configure("engine", settings.log_level)
    # Idle OpenMP threads that spin would starve the other processes of a small machine; read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["OMP_NUM_THREADS"] = str(settings.engine_threads or os.cpu_count())
    from services.generator.engine.wiring import build

    tracing.configure("engine")
    app = build(settings)
    tracing.trace_requests(app)
    uvicorn.run(
        app,
        host=settings.engine_host,
        port=settings.engine_port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


if __name__ == "__main__":
    main()
