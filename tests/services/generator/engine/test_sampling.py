import torch

from services.generator.engine.sampling import RowSampler, Sampling, gumbel, keep_top_p

VOCABULARY = 50


def test_noise_depends_on_key_position_and_token_alone() -> None:
    keys = torch.tensor([3, 2**62 + 11, 7])
    together = gumbel(keys, 5, VOCABULARY)
    assert torch.equal(together[1:2], gumbel(keys[1:2], 5, VOCABULARY))
    assert torch.equal(together[:, :20], gumbel(keys, 5, 20))
    assert not torch.equal(together, gumbel(keys, 6, VOCABULARY))
    assert together.unique().numel() > 0.99 * together.numel()


def test_draws_follow_the_softmax_at_the_rows_temperature() -> None:
    logits = torch.linspace(-1, 2, 8).repeat(20_000, 1)
    sampler = RowSampler([Sampling(9, i, 1, temperature=0.7) for i in range(20_000)], [0], 1, "cpu")
    drawn = sampler.scores(torch.zeros(20_000, 1), logits.clone()).argmax(-1)
    shares = drawn.bincount(minlength=8) / 20_000
    assert torch.allclose(shares, (logits[0] / 0.7).softmax(-1), atol=0.012)


def test_a_seeds_samples_and_positions_are_independent_draws() -> None:
    keys = torch.tensor([1, 2])
    noise = torch.stack([gumbel(keys, position, 2_000) for position in range(4)]).reshape(8, -1)
    correlations = torch.corrcoef(noise) - torch.eye(8)
    assert correlations.abs().max() < 0.1


def test_temperature_zero_leaves_the_logits_as_they_are() -> None:
    logits = torch.randn(2, VOCABULARY)
    sampler = RowSampler([Sampling(1, 0, 4, temperature=0), Sampling(1, 1, 4, temperature=1)], [0], 1, "cpu")
    scores = sampler.scores(torch.zeros(2, 1), logits.clone())
    assert torch.equal(scores[0], logits[0])
    assert not torch.equal(scores[1], logits[1])


def test_top_p_keeps_each_rows_smallest_set_that_reaches_it() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]] * 4).log()
    kept = keep_top_p(logits.clone(), torch.tensor([0.4, 0.6, 0.9, 1.0])).isfinite().sum(-1)
    assert kept.tolist() == [1, 2, 3, 4]


def test_rows_end_at_their_own_limit_or_end_token_and_are_peeled_off() -> None:
    sampler = RowSampler([Sampling(0, i, limit) for i, limit in enumerate((1, 3, 3))], [9], 2, "cpu")
    assert sampler.ended(torch.tensor([[0, 0, 9], [0, 0, 4], [0, 0, 9]])).all()
    assert sampler.peel() == [1]
    sampler.ended(torch.tensor([[0, 0, 4, 5]]))
    sampler.ended(torch.tensor([[0, 0, 4, 5, 6]]))
    assert sampler.peel() == []
    assert [row.tokens for row in sampler.drawn] == [[9], [4, 5, 6], [9]]
    assert [row.finish_reason for row in sampler.drawn] == ["stop", "length", "stop"]
