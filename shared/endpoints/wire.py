"""What an endpoint sends over the wire, as Answers, causes and pauses; whatever it sends. Pure."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict

# Brackets at which JSON is looked for: an answer of nothing but brackets must not take minutes.
_MOST_STARTS = 40


class Answer(BaseModel):
    """An endpoint's answer, before it is read. `refusal` is its own word for why it does not answer."""

    model_config = ConfigDict(frozen=True)

    text: str
    finish_reason: str = "stop"
    refusal: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Passing(Exception):
    """A failure that may pass; `after_s` is how long the endpoint asks to wait."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a number or a date; None when it is neither."""
    said = headers.get("retry-after", "")
    try:
        if said.replace(".", "", 1).isdigit():
            return float(said)
        return parsedate_to_datetime(said).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def answer_of(text: str) -> Answer:
    """Raises Passing when it is no chat completion."""
    try:
        body = json.loads(text)
        choice = body["choices"][0]
        message = choice["message"]
        usage = body.get("usage") or {}
        return Answer(
            text=_text_of(message.get("content")),
            finish_reason=str(choice.get("finish_reason") or "stop"),
            refusal=str(message.get("refusal") or ""),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise Passing(f"an answer that is no chat completion: {text[:200]}") from None


def found_json(text: str) -> Iterator[Any]:
    """What the objects and lists in a text hold, whatever stands around them."""
    decoder = json.JSONDecoder()
    for start in islice((match.start() for match in re.finditer(r"[{\[]", text)), _MOST_STARTS):
        try:
            yield decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue


def _count(said: Any) -> int:
    """A number of tokens; 0 for what cannot be one."""
    return said if isinstance(said, int) and 0 <= said < 2**40 else 0


def _text_of(content: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def cause_of(text: str) -> str:
    """The message of an OpenAI error body, else the start of the text."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return text[:200]
