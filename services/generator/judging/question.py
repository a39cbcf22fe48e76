"""What a judge is asked about an answer, and how its verdict is read. Pure text; no model's name, no data set's.

Our own words for the published measures: does the answer hold an explanation (existence), and how logically, by which
visible features, does it lead to its class (cognition score). The judge reads; it sees no image and is not told which
class is right, so that it judges the explanation and not the answer.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.endpoints.wire import Answer, found_json
from shared.types.domain import AsksFor

_SYSTEM = "You judge how well answers about pictures are explained. You answer with JSON only."
_SHOWS: dict[AsksFor, str] = {"kind": "which kind of {noun} it shows", "condition": "which condition of the {noun}"}
_RULES = """You do not see the picture, and it does not matter whether the answer is right. Judge the explanation only.
"explains": true when the answer gives at least one visible feature as a reason for what it names; false when it only \
names something, repeats the question, or gives reasons that no picture shows.
"cognition": a number from 0 to 1. 1: several specific visible features, each of them a reason, and together they lead \
without a contradiction to what is named. 0.5: features are named, but they are vague or hardly bear on what is named. \
0: no explanation, or one that contradicts itself.
"reason": one short sentence.
Answer with a JSON object: {"explains": ..., "cognition": ..., "reason": "..."}."""

RESPONSE_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "explains": {"type": "boolean"},
                "cognition": {"type": "number"},
                "reason": {"type": "string"},
            },
            "required": ["explains", "cognition", "reason"],
            "additionalProperties": False,
        },
    },
}


class Verdict(BaseModel):
    """`cognition` is in [0, 1]."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    explains: bool
    cognition: float = Field(ge=0, le=1)
    reason: str = ""


def messages(question: str, answer: str, noun: str, asks_for: AsksFor) -> list[dict[str, str]]:
    asked = f"A model was asked about a picture, {_SHOWS[asks_for].format(noun=noun)}."
    told = f"{asked}\n\nQuestion: {question}\n\nIts answer:\n<answer>\n{answer}\n</answer>\n\n{_RULES}"
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": told}]


def verdict_of(answer: Answer) -> Verdict | None:
    """None when the answer holds no whole verdict."""
    for found in found_json(answer.text):
        try:
            return Verdict.model_validate(found)
        except ValidationError:
            continue
    return None
