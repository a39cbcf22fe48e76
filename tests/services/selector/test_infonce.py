"""The pure sums and scores, against what float64 says when every exponential is written out."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from services.selector.evidence import Evidence
from services.selector.infonce import LogSums, logits, scores
from services.selector.ranking import AnswerRanking
from shared.types.concepts import ConceptBank
from tests.services.selector.worlds import TableEncoder, description

taus = st.sampled_from([0.01, 0.1]) | st.floats(0.01, 5)
quick = settings(max_examples=40, deadline=None, database=None)


def embeddings(seed: int, count: int) -> Tensor:
    """Few directions, so that duplicates are many."""
    draw = torch.Generator().manual_seed(seed)
    pool_pe = torch.nn.functional.normalize(torch.randn(4, 5, generator=draw, dtype=torch.float64), dim=-1)
    return pool_pe[torch.randint(4, (count,), generator=draw)]


def oracle(texts_ne: Tensor, items_xe: Tensor, tau: float, weights_nx: Tensor) -> Tensor:
    return torch.log((weights_nx * torch.exp(texts_ne @ items_xe.T / tau)).sum(0))


@quick
@given(seed=st.integers(0, 999), texts=st.integers(0, 12), items=st.integers(1, 4), tau=taus, cells=st.integers(1, 40))
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_sums_equal_the_oracle_for_any_tau_block_and_class(
    dtype: torch.dtype, atol: float, seed: int, texts: int, items: int, tau: float, cells: int
) -> None:
    texts_ne, items_xe = embeddings(seed, texts).to(dtype), embeddings(seed + 1, items).to(dtype)
    class_n, class_x = torch.arange(texts) % 3, torch.arange(items) % 3
    counts_n = 1 + torch.arange(texts) % 2
    sums = LogSums(items_xe, tau, class_x, cells)
    sums.add(texts_ne, class_n, counts_n)
    weights_nx = (class_n[:, None] != class_x) * counts_n[:, None]
    expected = oracle(texts_ne.double(), items_xe.double(), tau, weights_nx)
    torch.testing.assert_close(sums.total_x, expected, rtol=1e-9, atol=atol / tau)


def test_the_own_share_is_left_out_exactly_however_large_it_is() -> None:
    """In linear space the others' share, 1e-87 of the whole, would be lost in the difference."""
    items_xe = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    own_ne, others_ne = items_xe.repeat(3, 1), -items_xe.repeat(2, 1)
    sums = LogSums(items_xe, 0.01, torch.tensor([7]))
    sums.add(torch.cat([own_ne, others_ne]), torch.tensor([7, 7, 7, 1, 2]))
    assert float(sums.total_x) == pytest.approx(-100 + math.log(2), rel=1e-14)


@quick
@given(seed=st.integers(0, 999), positives=st.integers(1, 4), items=st.integers(1, 3), tau=taus)
def test_float32_embeddings_score_within_a_hundred_thousandth_of_the_oracle(
    seed: int, positives: int, items: int, tau: float
) -> None:
    own_pe, others_ne = embeddings(seed, positives).float(), embeddings(seed + 1, 6).float()
    items_xe = embeddings(seed + 2, items).float()
    sums = LogSums(items_xe, tau)
    sums.add(others_ne)
    found = scores(logits(own_pe, items_xe, tau), sums.total_x)
    positive_px = torch.exp(own_pe.double() @ items_xe.double().T / tau)
    negative_x = torch.exp(others_ne.double() @ items_xe.double().T / tau).sum(0)
    expected = -torch.log1p(negative_x / positive_px).sum(0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-300)


def test_without_negatives_a_score_is_zero_and_without_positives_too() -> None:
    items_xe = embeddings(0, 2)
    nothing = LogSums(items_xe, 0.1).total_x
    assert scores(logits(embeddings(1, 3), items_xe, 0.1), nothing).tolist() == [0, 0]
    assert scores(torch.zeros(0, 2, dtype=torch.float64), nothing).tolist() == [0, 0]


def test_concepts_and_answers_are_scored_by_the_same_formula() -> None:
    """A concept against its image's descriptions is an answer against its image's concepts."""
    encoder, labels = TableEncoder(), {"i": "wren", "j": "kite"}
    bank = ConceptBank(version=1, concepts={"wren": ("scored",), "kite": ("other",)})
    evidence = Evidence(bank, labels, labels, encoder, 0.1, "other_images")
    evidence.add_all([description("i", "p"), description("i", "q", 1), description("j", "n"), description("j", "m", 1)])
    swapped = ConceptBank(version=1, concepts={"wren": ("p", "q"), "kite": ("n", "m")})
    [answer] = AnswerRanking(swapped, encoder, 0.1, "other_classes").scores(["scored"], "wren", ["p", "q"])
    assert float(evidence.scores("i")[0]) == pytest.approx(answer, rel=1e-12)


class LargestTensor(TorchDispatchMode):
    """Remembers the most cells that any operation made."""

    cells = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor):
            self.cells = max(self.cells, made.numel())
        return made


def test_no_matrix_is_larger_than_a_block() -> None:
    items_xe, texts_ne = torch.randn(50, 2), torch.randn(400, 2)
    sums = LogSums(items_xe, 0.1, torch.arange(50), block_cells=1000)
    class_n = torch.arange(400) % 50
    with LargestTensor() as largest:
        sums.add(texts_ne, class_n)
    assert 500 < largest.cells <= 1000


@pytest.mark.gpu
def test_a_gpu_says_the_same() -> None:
    texts_ne, items_xe = embeddings(0, 50).float(), embeddings(1, 7).float()
    found = []
    for device in ("cpu", "cuda"):
        sums = LogSums(items_xe.to(device), 0.01, torch.arange(7, device=device), block_cells=60)
        sums.add(texts_ne.to(device), torch.arange(50, device=device))
        found.append(scores(logits(texts_ne[:3].to(device), items_xe.to(device), 0.01), sums.total_x).cpu())
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-9)
