"""What an endpoint is asked about a class. Pure text; no model's name, no data set's."""

import hashlib
from collections.abc import Sequence

from shared.types.domain import Domain

_SYSTEM = "You know what things look like. You answer with JSON only."
_OPENING = {
    "kind": 'Which visible features tell the {noun} "{label}"{also} from others in a photograph?',
    "condition": 'By which visible features does a picture of a {noun} show the condition "{label}"{also}?',
}
_RULES = (
    "Name {count} of them. Each is a phrase of two to eight words about one part, colour, shape, pattern or texture "
    "that can be seen in a single picture. Leave out the name itself, size in numbers, weight, sound, behaviour, "
    "place, food, cause, treatment, use and history. "
    'Answer with a JSON object: {{"concepts": ["...", "..."]}}.'
)

SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "concepts",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"concepts": {"type": "array", "items": {"type": "string"}}},
            "required": ["concepts"],
            "additionalProperties": False,
        },
    },
}


def messages(label: str, aliases: Sequence[str], domain: Domain, count: int) -> list[dict[str, str]]:
    also = f" (also called {', '.join(aliases)})" if aliases else ""
    opening = _OPENING[domain.asks_for].format(noun=domain.noun, label=label, also=also)
    return [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": f"{opening} {_RULES.format(count=count)}"},
    ]


def prompt_sha256(domain: Domain, count: int) -> str:
    """Hash of the question as put about a class in general."""
    rendered = "\0".join(each["content"] for each in messages("LABEL", (), domain, count))
    return hashlib.sha256(rendered.encode()).hexdigest()
