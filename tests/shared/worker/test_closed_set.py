"""The labels and aliases by which a job's answers are judged."""

from pathlib import Path

from shared.artefacts import ArtefactWriter
from shared.objects import open_store
from shared.types.records import Example
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext
from tests.shared.tasks import a_task


def test_an_answer_may_name_a_class_by_its_alias(tmp_path: Path) -> None:
    store, task = open_store(f"file://{tmp_path}"), a_task()
    aliases = {"melanocytic nevi": ["mole", "nevus"], "not in the bank": ["spot"]}
    ref = ArtefactWriter(store, task, Example).finish(0, extra={"aliases": aliases})
    context = StepContext(task.model_copy(update={"inputs": {"examples": (ref.key,)}}), store)
    scorer = label_scorer(context, ["melanocytic nevi", "melanoma"])
    assert scorer.decide("This is a common mole.") == "melanocytic nevi"
    assert scorer.decide("A spot.") == "none"
    assert label_scorer(context, ["melanoma"]).decide("a melanoma, or a mole") == "melanoma"


def test_a_data_set_of_before_has_labels_alone(tmp_path: Path) -> None:
    store, task = open_store(f"file://{tmp_path}"), a_task()
    ref = ArtefactWriter(store, task, Example).finish(0)
    context = StepContext(task.model_copy(update={"inputs": {"examples": (ref.key,)}}), store)
    assert label_scorer(context, ["wren"]).decide("A wren.") == "wren"
