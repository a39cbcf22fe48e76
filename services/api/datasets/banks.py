"""Finds a data set's own concept bank among its files and matches it to the classes. Knows no layout.

Two forms are read: `{label: [concept, ...]}`, and the reference's `{number: {"name": label, "visual_features":
[...]}}`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.api.datasets.listing import ClassName, Finding
from shared.concepts.labels import ConceptClass, match
from shared.errors import InvalidInput

Concepts = dict[str, tuple[str, ...]]


class Features(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    visual_features: tuple[str, ...]


_FORM: TypeAdapter[dict[str, Features | tuple[str, ...]]] = TypeAdapter(dict[str, Features | tuple[str, ...]])


def find(folders: Iterable[Path]) -> tuple[Path | None, tuple[Finding, ...]]:
    """`concepts.json`, or else `*_visual_features.json`, in the first folder that has any. Several: none is taken."""
    for folder in folders:
        for pattern in ("concepts.json", "*_visual_features.json"):
            found = sorted(folder.glob(pattern)) if folder.is_dir() else []
            if len(found) == 1:
                return found[0], ()
            if found:
                return None, (_several(found),)
    return None, ()


def read(path: Path) -> Concepts:
    """The bank in the file by the names that it uses, without empty or repeated concepts. Raises InvalidInput."""
    try:
        content = _FORM.validate_python(json.loads(path.read_bytes()))
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}", remedy="Name a readable JSON file."
        ) from error
    except ValidationError as error:
        where = error.errors()[0]["loc"][0] if error.errors()[0]["loc"] else "the whole"
        raise InvalidInput(
            f"{path.name}: {where} is no concept bank's entry",
            remedy='Write {"label": ["a visible feature", ...], ...}.',
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}", remedy="Write it anew, or take it away.") from error
    entries = [(e.name, e.visual_features) if isinstance(e, Features) else (name, e) for name, e in content.items()]
    return _joined((name.strip(), concepts) for name, concepts in entries)


def matched(bank: Mapping[str, Sequence[str]], classes: Sequence[ClassName]) -> Concepts:
    """The bank by label: a class is found by its label, its raw name or an alias, whatever the case and punctuation.
    What belongs to no class keeps its name, so that the report can tell."""
    found = match(bank, [ConceptClass.model_validate(each.model_dump()) for each in classes])
    strangers = {name: bank[name] for name in (*found.unknown, *found.ambiguous)}
    return _joined((name, concepts) for name, concepts in {**found.concepts, **strangers}.items() if concepts)


def _joined(entries: Iterable[tuple[str, Sequence[str]]]) -> Concepts:
    joined: dict[str, dict[str, None]] = {}
    for name, concepts in entries:
        joined.setdefault(name, {}).update(dict.fromkeys(c.strip() for c in concepts if c.strip()))
    return {name: tuple(concepts) for name, concepts in joined.items()}


def _several(found: list[Path]) -> Finding:
    files = ", ".join(path.name for path in found)
    message = f"several files could be the concept bank: {files}; name the right one concepts.json"
    return Finding(code="several_concept_banks", message=message, severity="warning")
