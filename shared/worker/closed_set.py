"""The label scorer of a job's data set: its labels and the aliases that ingest left beside the examples."""

from collections.abc import Iterable

from shared.artefacts import read_manifest
from shared.scoring.labels import LabelScorer
from shared.worker.context import StepContext


def label_scorer(context: StepContext, labels: Iterable[str]) -> LabelScorer:
    """Of a step that reads `examples`. An alias of a class that is not among `labels` is left out."""
    known = set(labels)
    manifest = read_manifest(context.store, context.task.inputs["examples"][0])
    aliases: dict[str, list[str]] = manifest.extra.get("aliases", {})
    return LabelScorer(known, {label: names for label, names in aliases.items() if label in known})
