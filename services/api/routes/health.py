"""Is it alive (open to all), and do its parts answer (with the key)."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.api.routes.dependencies import PartsDep
from shared.errors import SelfSynthError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`ok`, or what is wrong, for each part."""

    status: str
    parts: dict[str, str]


@router.get("/health/live")
def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/health", responses={503: {"model": Health}})
def health(parts: PartsDep, response: Response) -> Health:
    checks: dict[str, Callable[[], object]] = {
        "database": parts.database.ping,
        "queue": parts.messages.ping,
        "store": lambda: parts.store.size_bytes("health"),
        "engine": parts.served.names,
    }
    states = {name: _state(check) for name, check in checks.items()}
    well = all(state == "ok" for state in states.values())
    response.status_code = 200 if well else 503
    return Health(status="ok" if well else "degraded", parts=states)


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except SelfSynthError as error:
        return error.message
    return "ok"
