"""Our one-pass scores equal the method's formulas, computed naively."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.selector import evidence, ranking
from services.selector.evidence import Evidence
from services.selector.infonce import leave_one_out, log_sum
from services.selector.ranking import AnswerRanking
from shared.types.concepts import ConceptBank
from tests.services.selector import reference
from tests.services.selector.worlds import TableEncoder, description

ENCODER = TableEncoder()
BANK = ConceptBank(
    version=1,
    concepts={"wren": ("a", "b", "shared"), "kite": ("c", "shared"), "finch": ("d", "e", "f"), "lone": ("g",)},
)
worlds = st.dictionaries(
    st.integers(0, 99).map("img{}".format),
    st.tuples(st.sampled_from(sorted(BANK.concepts)), st.lists(st.text("xyz", max_size=4), min_size=1, max_size=4)),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("negatives", get_args(evidence.Negatives))
@settings(max_examples=60, deadline=None)
@given(world=worlds, tau=st.just(0.01) | st.floats(0.01, 5), order=st.randoms(use_true_random=False))
def test_concept_scores_equal_the_formula(
    negatives: evidence.Negatives, world: dict, tau: float, order: object
) -> None:
    rows = [description(key, text, k) for key, (_, texts) in world.items() for k, text in enumerate(texts)]
    order.shuffle(rows)
    labels = {key: label for key, (label, _) in world.items()}
    ours = Evidence(BANK, labels, set(world), ENCODER, tau, negatives)
    ours.add_all(rows)
    described = {key: (label, ENCODER.encode(texts)) for key, (label, texts) in world.items()}
    for key, label in labels.items():
        concepts_ze = ENCODER.encode(BANK.concepts[label])
        expected = reference.concept_scores(described, concepts_ze, key, tau, negatives)
        torch.testing.assert_close(ours.scores(key), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("negatives", get_args(ranking.Negatives))
@settings(max_examples=60, deadline=None)
@given(
    label=st.sampled_from(sorted(BANK.concepts)),
    answers=st.lists(st.text("xyz", max_size=4), min_size=1, max_size=5),
    tau=st.just(0.01) | st.floats(0.01, 5),
)
def test_answer_scores_equal_the_formula(
    negatives: ranking.Negatives, label: str, answers: list[str], tau: float
) -> None:
    chosen = BANK.concepts[label][:2]
    against = ENCODER.encode(reference.negatives_of(BANK.concepts, label, negatives))
    expected = reference.answer_scores(ENCODER.encode(answers), ENCODER.encode(chosen), against, tau)
    ours = AnswerRanking(BANK, ENCODER, tau, negatives).scores(answers, label, chosen)
    torch.testing.assert_close(torch.tensor(ours, dtype=torch.float64), expected, rtol=1e-9, atol=1e-12)


def test_chunks_of_any_size_give_the_same_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [description(f"i{k}", f"text {k} {s}", s) for s in range(3) for k in range(9)]
    labels = {f"i{k}": ("wren", "kite")[k % 2] for k in range(9)}

    def scores() -> torch.Tensor:
        ours = Evidence(BANK, labels, labels, ENCODER, 0.1, "other_images")
        ours.add_all(rows)
        return torch.cat([ours.scores(key) for key in labels])

    whole = scores()
    monkeypatch.setattr(evidence, "_CHUNK_TEXTS", 2)
    torch.testing.assert_close(scores(), whole, rtol=1e-12, atol=1e-12)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=6))
def test_leaving_one_group_out_equals_summing_the_others(sums: list[list[float]]) -> None:
    groups_gz = torch.tensor(sums, dtype=torch.float64)
    others = [torch.cat([groups_gz[:g], groups_gz[g + 1 :]]) for g in range(len(sums))]
    expected = torch.stack([log_sum(rows) for rows in others])
    torch.testing.assert_close(leave_one_out(groups_gz), expected, rtol=1e-12, atol=1e-12)


def test_an_image_whose_share_is_nearly_the_whole_sum_is_left_out_exactly() -> None:
    groups_gz = torch.tensor([[800.0], [0.0], [1.0]], dtype=torch.float64)
    assert float(leave_one_out(groups_gz)[0, 0]) == pytest.approx(float(torch.tensor([0.0, 1.0]).logsumexp(0)))
