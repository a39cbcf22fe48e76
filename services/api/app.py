"""The coordinator as an ASGI app over its parts. Reads no environment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from services.api import problems
from services.api.auth import BearerAuth
from services.api.limits import BodyLimit
from services.api.metrics.requests import RequestTimes
from services.api.routes import (
    artefacts,
    chat,
    concepts,
    datasets,
    exports,
    health,
    images,
    internal,
    job_reports,
    jobs,
    metrics,
    reports,
    uploads,
)
from services.api.wiring import Parts


def create_app(parts: Parts) -> FastAPI:
    """Starting the app migrates the database and begins to reconcile; stopping it ends both."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(parts.start)
        yield
        await run_in_threadpool(parts.stop)

    app = FastAPI(title="SelfSynth coordinator", version="0.1.0", lifespan=life, redoc_url=None)
    app.state.parts = parts
    problems.install(app)
    for module in (
        health,
        metrics,
        uploads,
        datasets,
        concepts,
        reports,
        images,
        jobs,
        job_reports,
        chat,
        artefacts,
        exports,
        internal,
    ):
        app.include_router(module.router)
    settings = parts.settings
    app.add_middleware(
        BodyLimit,
        json_bytes=settings.body_limit_bytes,
        upload_bytes=settings.upload_limit_bytes,
        chat_bytes=settings.chat_limit_bytes,
    )
    app.add_middleware(
        BearerAuth,
        api_key=settings.api_key.get_secret_value(),
        worker_token=settings.worker_token.get_secret_value(),
    )
    app.add_middleware(RequestTimes, times=parts.metrics.requests)
    return app
