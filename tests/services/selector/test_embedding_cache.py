"""Embeddings kept between rounds, in real files, by several processes."""

from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from torch import Tensor

from services.selector.cached_encoder import CachedEncoder
from services.selector.embedding_cache import EmbeddingCache
from services.selector.encoder import SentenceEncoder
from shared.errors import SystemFault
from shared.types.encoders import EncoderFacts
from tests.services.selector.caching_process import put_and_get
from tests.telling import Told, told

__all__ = ["told"]

PLENTY = 10_000_000


class Counting:
    """Embeds a text by its length, and remembers what it was asked."""

    device = "cpu"

    def __init__(self, identity: str = "one") -> None:
        self.facts = EncoderFacts(name="counting", prefix="", identity=identity)
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.asked += texts
        return torch.tensor([[len(text), -1.0] for text in texts]).reshape(-1, 2)


def test_a_text_of_an_earlier_round_is_not_embedded_again(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    CachedEncoder(first, EmbeddingCache(tmp_path, PLENTY)).encode(["beak", "tail", "beak"])
    rows = CachedEncoder(second, EmbeddingCache(tmp_path, PLENTY)).encode(["wing", "beak", "tail", "wing", ""])
    assert (first.asked, second.asked) == (["beak", "tail"], ["wing", ""])
    assert rows.tolist() == [[4, -1], [4, -1], [4, -1], [4, -1], [0, -1]]
    assert rows.dtype == torch.float32


def test_what_the_cache_had_is_told_from_what_was_embedded(tmp_path: Path, told: Told) -> None:
    cached = CachedEncoder(Counting(), EmbeddingCache(tmp_path, PLENTY))
    cached.encode(["beak", "tail", "beak"])
    cached.encode(["wing", "tail"])
    assert told() == {("selfsynth_selection_texts", "hit"): 1, ("selfsynth_selection_texts", "miss"): 3}


def test_another_encoder_s_embeddings_are_not_taken(tmp_path: Path) -> None:
    CachedEncoder(Counting("one"), EmbeddingCache(tmp_path, PLENTY)).encode(["beak"])
    other = Counting("other")
    CachedEncoder(other, EmbeddingCache(tmp_path, PLENTY)).encode(["beak"])
    assert other.asked == ["beak"]


def test_what_comes_from_the_cache_is_what_was_put_there(tmp_path: Path, encoder: SentenceEncoder) -> None:
    cached = CachedEncoder(encoder, EmbeddingCache(tmp_path, PLENTY))
    texts = ["a red beak", "a very long forked tail", "légs 红色"]
    assert torch.equal(cached.encode(texts), cached.encode(texts))
    torch.testing.assert_close(cached.encode(texts), encoder.encode(texts), atol=1e-6, rtol=1e-5)


def test_the_file_stays_within_its_bound_and_keeps_the_newest(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, 400_000)
    for k in range(20):
        cache.put({f"{k}-{n}".encode(): bytes(1000) for n in range(50)})
    assert (tmp_path / "embeddings.sqlite").stat().st_size < 450_000
    assert cache.get([b"0-0"]) == {}
    assert len(cache.get([f"19-{n}".encode() for n in range(50)])) == 50


def test_more_than_the_bound_at_once_is_no_fault(tmp_path: Path) -> None:
    counting = Counting()
    assert CachedEncoder(counting, EmbeddingCache(tmp_path, 1)).encode(["a", "bb"]).tolist() == [[1, -1], [2, -1]]


def test_several_processes_share_the_file(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        wrong = pool.starmap(put_and_get, [(tmp_path, first) for first in (0, 0, 30)])
    assert wrong == [[], [], []]
    keys = [str(k).encode() for k in range(80)]
    assert EmbeddingCache(tmp_path, PLENTY).get(keys) == {key: key * 100 for key in keys}


def test_a_broken_file_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "embeddings.sqlite").write_bytes(b"no database at all" * 100)
    counting = Counting()
    cached = CachedEncoder(counting, EmbeddingCache(tmp_path, PLENTY))
    assert [cached.encode(["beak"]).tolist() for _ in range(3)] == [[[4, -1]]] * 3
    assert counting.asked == ["beak"]


@pytest.mark.parametrize("folder", ["with/a/folder/for/a/file", "file", "below/file/here"])
def test_a_file_that_cannot_be_opened_costs_time_only(tmp_path: Path, folder: str) -> None:
    (tmp_path / "with/a/folder/for/a/file/embeddings.sqlite").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "below").symlink_to(tmp_path / "nowhere")
    cached = CachedEncoder(Counting(), EmbeddingCache(tmp_path / folder, PLENTY))
    assert cached.encode(["beak"]).tolist() == [[4, -1]]


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(SystemFault, match="another user"):
        EmbeddingCache(tmp_path, PLENTY)
