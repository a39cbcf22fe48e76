"""Makes concepts of whatever an endpoint answered: an object, a list, a list in prose, half of one. Pure."""

import json
import re
from itertools import islice
from typing import Any

from shared.concepts.wording import listed, storable
from shared.endpoints.wire import Answer, found_json
from shared.types.records import AnswerOutcome

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s*[,\]])')
_REFUSAL = re.compile(
    r"^\W*(?:i'?m sorry|i am sorry|sorry|i can(?:'|no)t|i cannot|i'?m unable|as an ai)\b", re.IGNORECASE
)
_MOST_CHARACTERS = 500


def read(answer: Answer, at_most: int) -> tuple[tuple[str, ...], AnswerOutcome, str]:
    """The concepts, at most so many and none longer than 500 characters; what was wrong; and that in words."""
    text = storable(answer.text).strip()
    if answer.refusal or answer.finish_reason == "content_filter":
        return (), "refused", storable(answer.refusal)[:200] or "the endpoint's filter stopped the answer"
    if not text:
        return (), "empty", "the answer is empty"
    concepts = _in_json(text)
    if concepts is None and answer.finish_reason == "length":
        concepts = [_unescaped(found) for found in _STRING.findall(text)] or None
    if concepts is None:
        if _REFUSAL.match(text):
            return (), "refused", text[:200]
        lines = listed(text) if "\n" in text and "{" not in text else []
        # The last line of an answer that was cut off is half a concept.
        concepts = (lines[:-1] if answer.finish_reason == "length" else lines) or None
    bare = (storable(concept[:_MOST_CHARACTERS]).strip() for concept in concepts or ())
    kept = tuple(islice((concept for concept in bare if concept), at_most))
    if answer.finish_reason == "length":
        return kept, "cut_off", "the answer was cut off at max_tokens"
    if kept:
        return kept, "ok", ""
    return (), "unreadable" if concepts is None else "empty", f"no concept in: {text[:200]}"


def _in_json(text: str) -> list[str] | None:
    """The strings of the first JSON object or list in the text; None when there is none."""
    found = (_strings(each) for each in found_json(text))
    return next((concepts for concepts in found if concepts is not None), None)


def _strings(found: Any) -> list[str] | None:
    """`concepts` of an object, else its first list; of a list's objects their first text."""
    if isinstance(found, dict):
        lists = [found.get("concepts"), *found.values()]
        found = next((each for each in lists if isinstance(each, list)), None)
    if not isinstance(found, list):
        return None
    texts = (next((v for v in e.values() if isinstance(v, str)), None) if isinstance(e, dict) else e for e in found)
    return [text for text in texts if isinstance(text, str)]


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
