"""Chat with what a round trained."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from services.api.chat.image import as_shown
from services.api.chat.requests import ChatAnswer, ChatRequest
from services.api.chat.speaker import Speaker, speaker
from services.api.routes.dependencies import PROBLEMS, PartsDep
from services.api.wiring import Parts

router = APIRouter(prefix="/jobs/{job_id}/chat", tags=["jobs"], responses=PROBLEMS)


@router.post("")
async def post_chat(job_id: str, request: ChatRequest, parts: PartsDep) -> ChatAnswer:
    """One answer about the image, to all turns so far. Nothing of it is kept. Not in a thread: it waits long, and
    threads are for those that keep jobs alive."""
    chosen = await run_in_threadpool(_speaker, parts, job_id, request.round)
    async with parts.chats.place():
        image = await run_in_threadpool(as_shown, request.image)
        completion = await parts.chats.answer(chosen.model, image, request)
    [choice, *_] = completion["choices"]
    usage = completion.get("usage") or {}
    return ChatAnswer(
        model=chosen.model,
        round=chosen.round,
        answer=(choice["message"]["content"] or "").strip(),
        finish_reason=choice["finish_reason"] or "",
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
    )


def _speaker(parts: Parts, job_id: str, round_: int | None) -> Speaker:
    with parts.database.snapshot() as session:
        chosen = speaker(session, job_id, round_)
    if chosen.round:
        parts.pointers.publish(chosen.model)
    return chosen
