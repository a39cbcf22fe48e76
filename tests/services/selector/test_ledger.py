"""The ledger as users read it: Parquet files, with pandas and with `datasets`."""

from pathlib import Path

import datasets
import pandas as pd
import pytest

from services.selector import answers, concepts
from shared.artefacts import ManifestRef, read_manifest
from shared.types.lifecycle import StepName
from tests.services.selector.worlds import TableEncoder, World, candidate, description, example

BANK = {"wren": ("brown", "short tail"), "kite": ("forked", "red")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    examples = [example(f"id-{k}", ("wren", "kite")[k % 2]) for k in range(4)]
    settings = {"fallback": "label_only", "max_fallback_share": 0.5}
    made = World(tmp_path / "store", examples, BANK, {"examples_per_part": 2, "select_answers": settings})
    made.give(descriptions=[description(e.id, f"a bird, {e.id}") for e in examples])
    texts = [("A wren or a kite.", "I see a wren."), ("A kite.", "A kite: a hooked bill, a hooked bill.")]
    rows = [candidate(text, n, e.id) for k, e in enumerate(examples) for n, text in enumerate(texts[k % 2])]
    made.give(candidates=[*rows, candidate("Some bird.", 0, "id-3", question_id=1)])
    return made


def files(world: World, ref: ManifestRef) -> list[str]:
    return [str(world.folder / part.key) for part in read_manifest(world.store, ref.key).parts]


@pytest.fixture
def ledgers(world: World) -> tuple[list[str], list[str]]:
    """The files of both: each image's concepts, each question's candidates."""
    chosen = concepts.run(world.context(StepName.SELECT_CONCEPTS), TableEncoder())
    world.inputs["concepts"] = (chosen.key,)
    return files(world, chosen), files(world, answers.run(world.context(StepName.SELECT_ANSWERS), TableEncoder()))


def test_pandas_reads_each_image_s_concepts_with_scores(ledgers: tuple[list[str], list[str]]) -> None:
    frame = pd.concat([pd.read_parquet(file) for file in ledgers[0]])
    assert frame.groupby("example_id").concept.agg(set).to_dict() == {
        f"id-{k}": set(BANK[("wren", "kite")[k % 2]]) for k in range(4)
    }
    assert frame.dtypes[["score", "rank", "chosen"]].astype(str).tolist() == ["float64", "int64", "bool"]
    assert bool(frame.score.between(-1, 1).all()), "cosines"


def test_pandas_reads_each_candidate_with_score_verdict_and_reason(ledgers: tuple[list[str], list[str]]) -> None:
    frame = pd.concat([pd.read_parquet(file) for file in ledgers[1]])
    of_wren, of_kite = (frame[(frame.example_id == key) & (frame.question_id == 0)] for key in ("id-0", "id-1"))
    assert of_wren.reason.tolist() == ["several_labels", "best"]
    assert of_kite.reason.tolist() == ["best", "repeats"]
    assert of_kite.kept.tolist() == [True, False]
    lost = frame[(frame.example_id == "id-3") & (frame.question_id == 1)]
    assert lost[["source", "reason", "kept"]].values.tolist() == [
        ["answer", "no_label", False],
        ["fallback", "fallback", True],
    ]
    assert lost.score.isna().tolist() == [False, True], "a fallback has no score"


def test_datasets_reads_both_with_the_same_rows(ledgers: tuple[list[str], list[str]], tmp_path: Path) -> None:
    for paths in ledgers:
        rows = datasets.Dataset.from_parquet(paths, cache_dir=str(tmp_path / "cache"))
        frame = pd.concat([pd.read_parquet(file) for file in paths])
        assert rows.column_names == list(frame.columns)
        assert [row["score"] for row in rows] == [None if pd.isna(score) else score for score in frame.score]
        assert str(rows.features["score"].dtype) == "float64"
