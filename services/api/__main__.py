"""`python -m services.api --host H --port P`: the coordinator under uvicorn."""

import argparse

import uvicorn

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.api.wiring import build
from shared.logs import configure
from shared.observing import tracing


def main() -> None:
    arguments = _parser().parse_args()
    settings = ApiSettings()
    configure("api", settings.log_level)
    tracing.configure("api")
    app = create_app(build(settings))
    tracing.trace_requests(app)
    # uvicorn's own lines go through our JSON formatter.
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_config=None, access_log=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.api", description="The coordinator.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    return parser


if __name__ == "__main__":
    main()
