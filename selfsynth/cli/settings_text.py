"""`--settings`: JSON objects or `step.field=value` texts, laid over each other. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from shared.errors import InvalidInput

_REMEDY = 'Write --settings train.epochs=3, or --settings \'{"train": {"epochs": 3}}\'; the option may be repeated.'


def parse_settings(texts: Iterable[str]) -> dict[str, Any]:
    """A nested object; later texts win. Raises InvalidInput naming a text that is neither form."""
    settings: dict[str, Any] = {}
    for text in texts:
        _overlay(settings, _parse_object(text) if text.lstrip().startswith("{") else _parse_pair(text))
    return settings


def _parse_object(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise InvalidInput(f"settings {text!r} are not JSON: {error}", remedy=_REMEDY) from error


def _parse_pair(text: str) -> dict[str, Any]:
    path, separator, value = text.partition("=")
    names = path.strip().split(".")
    if not separator or not all(names):
        raise InvalidInput(f"setting {text!r} is not of the form step.field=value", remedy=_REMEDY)
    nested: Any = _value(value.strip())
    for name in reversed(names):
        nested = {name: nested}
    return dict(nested)


def _value(text: str) -> Any:
    """JSON where it is JSON (3, true, null), else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value
