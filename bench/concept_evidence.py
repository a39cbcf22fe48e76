"""How well concepts are selected from good descriptions: description-level (InfoNCE) against clause-level evidence.

Drawn birds are described truthfully in the base model's words, without a model, so that only the selection is measured.
Prints precision and recall of the chosen concepts against what is visible, and writes bench/results/
concept_evidence.json. An image-blind choice of the whole bank is the first line.
"""

import json
import random
from pathlib import Path

from selfsynth.demo.base.lessons import description
from selfsynth.demo.world.attributes import MEANING
from selfsynth.demo.world.scene import Scene, random_scene
from selfsynth.demo.world.species import concept_bank, species
from services.selector.clauses import ClauseEvidence
from services.selector.concepts import AnyEvidence, ranked
from services.selector.encoder import SentenceEncoder
from services.selector.evidence import Evidence
from services.selector.wiring import encoder_model
from shared.job_settings import SelectConceptsSettings
from shared.types.concepts import ConceptBank
from shared.types.records import Description

_IMAGES_OF_A_SPECIES = 10
_DESCRIPTIONS = 4
_THRESHOLDS = (0.4, 0.0, -0.2)
_RESULT = Path(__file__).parent / "results" / "concept_evidence.json"

Chosen = dict[str, set[str]]


def visible(scene: Scene, concepts: tuple[str, ...]) -> set[str]:
    """The concepts that the picture shows."""
    return {c for c in concepts if c in MEANING and scene.visible.get(MEANING[c][0]) == MEANING[c][1]}


def measured(chosen: Chosen, truth: Chosen) -> dict[str, float]:
    right = sum(len(chosen[key] & truth[key]) for key in truth)
    return {
        "precision": right / sum(map(len, chosen.values())),
        "recall": right / sum(map(len, truth.values())),
        "chosen_per_image": sum(map(len, chosen.values())) / len(chosen),
    }


def main() -> None:
    rng = random.Random(0)
    bank = ConceptBank(version=1, concepts={name: tuple(concept_bank(name)) for name in species()})
    labels = {f"{name} {k}": name for name in species() for k in range(_IMAGES_OF_A_SPECIES)}
    scenes = {key: random_scene(rng, species()[name]) for key, name in labels.items()}
    rows = [
        Description(example_id=key, instruction=0, sample=k, text=description(scene, rng), finish_reason="stop")
        for key, scene in scenes.items()
        for k in range(_DESCRIPTIONS)
    ]
    truth = {key: visible(scene, bank.concepts[labels[key]]) for key, scene in scenes.items()}
    results = {"whole_bank": measured({key: set(bank.concepts[name]) for key, name in labels.items()}, truth)}
    encoder = SentenceEncoder(encoder_model("minilm"))
    kinds: dict[str, AnyEvidence] = {
        "description": Evidence(bank, labels, labels, encoder, 0.1, "other_classes"),
        "clause": ClauseEvidence(bank, labels, labels, encoder),
    }
    for kind, evidence in kinds.items():
        evidence.add_all(rows)
        for threshold in _THRESHOLDS:
            settings = SelectConceptsSettings(threshold_std=threshold)
            chosen = {
                key: {r.concept for r in ranked(key, bank.concepts[name], evidence.scores(key), settings) if r.chosen}
                for key, name in labels.items()
            }
            results[f"{kind}_std_{threshold}"] = measured(chosen, truth)
    for name, figures in results.items():
        print(f"{name:22s}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    flat = {f"{name}_{key}": round(value, 4) for name, figures in results.items() for key, value in figures.items()}
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(flat, indent=1) + "\n")


if __name__ == "__main__":
    main()
