"""Questions that a domain has of its own, beside the generic ones: one file a domain, found by its noun. Pure text."""

import tomllib
from functools import cache
from pathlib import Path

from services.generator.prompts.questions import Pools, QuestionKind
from shared.types.domain import AsksFor

# By noun and by what is asked for: a leaf's questions about its health are none about its species.
QUESTIONED: dict[tuple[str, AsksFor], str] = {
    ("bird", "kind"): "bird",
    ("dog", "kind"): "dog",
    ("aircraft", "kind"): "aircraft",
    ("leaf", "condition"): "leaf",
    ("skin lesion", "kind"): "skin_lesion",
    ("chest X-ray", "condition"): "chest_xray",
}


@cache
def domain_questions(noun: str, asks_for: AsksFor) -> Pools:
    """Empty for a domain that has none."""
    name = QUESTIONED.get((noun, asks_for))
    if not name:
        return {}
    read = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
    return {kind: tuple(read[kind.value]) for kind in QuestionKind}
