"""Brings what training reads from the object store into a work folder. Knows keys and rows, nothing of training."""

import random
from collections.abc import Callable, Container, Iterable
from functools import partial
from pathlib import Path, PurePosixPath

from services.trainer.plan import TrainPair
from shared.ahead import ahead
from shared.artefacts import read_rows
from shared.errors import SystemFault, TooFewPairs
from shared.job_settings import EarlyStoppingSettings
from shared.objects import ObjectStore
from shared.types.records import Candidate, Example, Instruction
from shared.types.tasks import StepTask

# Images that are fetched at once: the store's answer takes longer than its bytes.
_AT_ONCE = 16


def gather_pairs(store: ObjectStore, task: StepTask) -> dict[Example, list[Candidate]]:
    """The kept QA pairs by their example, both in the artefacts' order.

    Raises TooFewPairs when none is kept, SystemFault when a pair's example is missing.
    """
    examples = {row.id: row for row in read_rows(store, task.inputs["examples"], Example)}
    pairs: dict[Example, list[Candidate]] = {}
    reasons: dict[str, int] = {}
    for row in read_rows(store, task.inputs["pairs"], Candidate):
        if not row.kept:
            reasons[row.reason] = reasons.get(row.reason, 0) + 1
        elif row.example_id not in examples:
            raise SystemFault(
                f"the QA pair {row.example_id}/{row.question_id} belongs to no example of the data set",
                remedy="Start the job again: its pairs and its examples do not belong together.",
            )
        else:
            pairs.setdefault(examples[row.example_id], []).append(row)
    if not pairs:
        raise _none_kept(task, reasons)
    return pairs


def hold_out(pairs: Iterable[Example], early_stopping: EarlyStoppingSettings | None, seed: int) -> set[Example]:
    """The examples whose pairs are held out for a validation loss: a share of the images, those of one group together,
    at least one and never all. Raises TooFewPairs when there is but one."""
    if early_stopping is None:
        return set()
    families: dict[str, list[Example]] = {}
    for example in pairs:
        families.setdefault(example.group or example.image_key, []).append(example)
    if len(families) < 2:
        raise TooFewPairs(
            "all QA pairs are of one image, or of one group of images: none can be held out",
            remedy="Leave train.early_stopping out, or take more images.",
        )
    count = min(max(1, round(early_stopping.share * len(families))), len(families) - 1)
    chosen = random.Random(seed).sample(sorted(families), count)
    return {example for family in chosen for example in families[family]}


def gather_images(
    store: ObjectStore,
    pairs: dict[Example, list[Candidate]],
    held_out: Container[Example],
    folder: Path,
    check: Callable[[], None],
) -> list[TrainPair]:
    """Fetch each image once into `folder` (files that are there already are complete) and name it in its pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    # One image may be that of several examples: it is fetched once.
    for _ in ahead(partial(_fetched, store, folder), dict.fromkeys(example.image_key for example in pairs), _AT_ONCE):
        check()
    train_pairs = []
    for example, rows in pairs.items():
        name = _name(example.image_key)
        train_pairs += [
            TrainPair(
                image=name,
                image_key=example.image_key,
                question=row.question,
                answer=row.text,
                label=example.label,
                held_out=example in held_out,
            )
            for row in rows
        ]
    return train_pairs


def gather_instructions(
    store: ObjectStore, task: StepTask, wanted: int, seed: int, folder: Path, check: Callable[[], None]
) -> list[TrainPair]:
    """`wanted` pairs of general instruction data, drawn by `seed`, none twice: all where there are fewer. Their images
    are fetched into `folder`."""
    rows = list(read_rows(store, task.inputs.get("instructions", ()), Instruction))
    drawn = random.Random(seed).sample(rows, min(wanted, len(rows)))
    pairs = []
    for row in drawn:
        check()
        name = _fetched(store, folder, row.image_key) if row.image_key else ""
        pairs.append(
            TrainPair(image=name, image_key=row.image_key or "", question=row.question, answer=row.answer, general=True)
        )
    return pairs


def _fetched(store: ObjectStore, folder: Path, key: str) -> str:
    """The name of the image's file in `folder`. One that is there already is complete."""
    name = _name(key)
    if not (folder / name).exists():
        store.get_to_file(key, folder / name)
    return name


def _name(key: str) -> str:
    return PurePosixPath(key).name


def gather_adapter(store: ObjectStore, task: StepTask, folder: Path) -> Path | None:
    """The previous round's adapter files in `folder`, or None when the round starts from the base."""
    prefixes = task.inputs.get("adapter", ())
    if not prefixes:
        return None
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        store.get_to_file(f"{prefixes[0]}/{name}", folder / name)
    return folder


def _none_kept(task: StepTask, reasons: dict[str, int]) -> TooFewPairs:
    total = sum(reasons.values())
    why = ", ".join(f"{count} {reason or 'not selected'}" for reason, count in sorted(reasons.items()))
    return TooFewPairs(
        f"round {task.round} has no QA pair to train on: none of {total} candidates was kept ({why or 'none made'})",
        remedy="Look at the candidates' texts; more samples or resamples, a stronger base model, or the label_only "
        "fallback give more pairs.",
    )
