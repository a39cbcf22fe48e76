"""Published concept banks, read as a request's body is."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from services.api.concepts.drafts import Bank

PUBLISHED = (
    "concepts/labo_CUB_class2concepts_trimmed.json",
    "concepts/labo_HAM10000_class2concepts_trimmed.json",
    "concepts/labo_aircraft_class2concepts_trimmed.json",
    "concepts/menon_descriptors_cub.json",
    "HAM10000/HAM10000_visual_features.json",
    "cub-200/cub-200_visual_features.json",
    "stanford_dogs/stanford_dogs_visual_features.json",
)


def parsed_bank(path: Path) -> Bank:
    bank: Bank = TypeAdapter(Bank).validate_python(json.loads(path.read_text()))
    return bank
