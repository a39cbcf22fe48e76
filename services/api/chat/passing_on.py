"""Passes a chat on to the engine and its answer back. Knows OpenAI's JSON, nothing of jobs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.api.chat.requests import ChatRequest
from services.api.problems import Problem
from shared.engine_addresses import reachable
from shared.errors import EngineUnavailable, InvalidInput

_CONNECT_S = 5.0
_ASK_AGAIN = "Ask again later: it may be starting, be busy, or sleep while a job trains."


class ChatEngine:
    """At most `at_once` chats are with the engine at a time, so that users cannot crowd out the jobs; each may take
    `answer_s` seconds."""

    def __init__(self, engine_url: str, key: str, at_once: int, answer_s: float) -> None:
        self._urls = reachable(engine_url)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = httpx.Timeout(answer_s, connect=_CONNECT_S)
        self._free = at_once

    async def answer(self, model: str, image: str, request: ChatRequest) -> dict[str, Any]:
        """The completion. Raises Problem or InvalidInput when the engine refuses it, or EngineUnavailable."""
        async with httpx.AsyncClient(headers=self._headers, timeout=self._timeout) as http:
            response = await self._posted(http, _body(model, image, request))
        if response.status_code != 200:
            raise _refusal(response, model)
        try:
            completion: dict[str, Any] = response.json()
            completion["choices"][0]["message"]["content"], completion["choices"][0]["finish_reason"]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise _away(f"an answer that is no chat completion: {response.text[:200]}") from error
        return completion

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of those at once; to be held while an answer is asked for. Raises EngineUnavailable."""
        if not self._free:  # looking and taking is one: there is one event loop
            raise EngineUnavailable(
                "too many chats are being answered", remedy="Ask again in some seconds.", code="chats_busy"
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def _posted(self, http: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
        """By the first replica that can be reached."""
        absent: httpx.HTTPError | None = None
        for url in self._urls:
            try:
                return await http.post(f"{url}/v1/chat/completions", json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                absent = error
            except httpx.TimeoutException as error:
                raise _away(f"no answer within {self._timeout.read:.0f} s") from error
            except httpx.HTTPError as error:
                raise _away(str(error) or type(error).__name__) from error
        raise _away(str(absent) or type(absent).__name__) from absent


def _body(model: str, image: str, request: ChatRequest) -> dict[str, Any]:
    first, *others = request.messages
    shown = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": first.content}]
    return {
        "model": model,
        "messages": [{"role": "user", "content": shown}, *(turn.model_dump() for turn in others)],
        **request.model_dump(include={"max_tokens", "temperature", "seed"}),
    }


def _refusal(response: httpx.Response, model: str) -> Exception:
    why = _cause(response)
    if response.status_code == 404:
        return Problem(
            "model_not_served",
            f"the engine does not serve {model!r}: {why}",
            remedy="An engine serves one base model and that model's adapters: start one that serves the job's.",
        )
    if response.status_code in (400, 422):
        return InvalidInput(f"the engine refuses the chat: {why}", remedy="Shorten the chat, or lower max_tokens.")
    return _away(f"HTTP {response.status_code}: {why}")


def _cause(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]


def _away(why: str) -> EngineUnavailable:
    return EngineUnavailable(f"the engine cannot answer now: {why}", remedy=_ASK_AGAIN)
