"""What routes are given, and the answers that several share."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from services.api.wiring import Parts
from shared.errors import InvalidInput


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]
Limit = Annotated[int, Query(ge=1, le=1000)]

_PROBLEM: dict[str, Any] = {
    "description": "problem+json: type, title, status, detail, code, remedy, fault, and `faults` by field",
    "content": {"application/problem+json": {}},
}
PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def event_cursor(after: str) -> int:
    if not after.isdecimal() or len(after) > 18:
        raise InvalidInput(f"the cursor {after!r} is none of ours", remedy="Give `next` of the last answer, or 0.")
    return int(after)
