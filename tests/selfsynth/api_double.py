"""A small API in memory, to test what the client and the command make of answers. Real HTTP messages, no socket."""

import json
from typing import Any

import httpx


def job(status: str, **fields: Any) -> dict[str, Any]:
    """A job as the API shows it: round 0 measured, round 1 under way."""
    return {
        "id": "job_1",
        "status": status,
        "is_terminal": status in ("succeeded", "failed", "cancelled"),
        "model": "tiny",
        "rounds_total": 1,
        "percent": 40.0,
        "eta_s": 65.0,
        "position": {"round": 1, "step": "train"},
        "error": None,
        "created_at": "2026-01-01T00:00:00Z",
        "rounds": [
            {"round": 0, "accuracy": 0.125, "steps": [step("evaluate", "succeeded", seconds=3.2)]},
            {"round": 1, "accuracy": None, "steps": [step("train", "running", percent=50.0, attempts=2)]},
        ],
        **fields,
    }


def step(name: str, status: str, **fields: Any) -> dict[str, Any]:
    return {"step": name, "status": status, "percent": 0.0, "attempts": 1, "seconds": None, "error": None, **fields}


def problem(status: int, code: str, **fields: Any) -> httpx.Response:
    body = {"code": code, "detail": "it is so", "remedy": "do this", "fault": "user", **fields}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


class ApiDouble(httpx.MockTransport):
    """Answers each `METHOD /path` from its list, the last answer for ever. `requests` are those that came."""

    def __init__(self, answers: dict[str, list[httpx.Response | Exception]]) -> None:
        super().__init__(self._answer)
        self._answers = {address: list(of_address) for address, of_address in answers.items()}
        self.requests: list[httpx.Request] = []

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        waiting = self._answers[f"{request.method} {request.url.path}"]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
