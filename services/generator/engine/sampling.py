"""Draws each row's next token with the row's own seed, temperature, top_p and limit. Pure tensors: knows no model.

Noise is a hash of (seed, sample, position, token), so a draw depends on nothing that shares the batch:
argmax(logits / T + Gumbel) is a draw from softmax(logits / T) (the Gumbel-max trick).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

_LOW32 = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9  # 2^32 / golden ratio: spreads consecutive numbers over all 32 bits
_PEEL_SHARE = 0.25


@dataclass(frozen=True)
class Sampling:
    """How one row is drawn. Temperature 0 is greedy. `logprobs`: how many of the likeliest tokens' are wanted beside
    the drawn one's own; None: not even that. `is_over` is asked after each token whether the answer ends with it."""

    seed: int
    sample: int
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    logprobs: int | None = None
    is_over: Callable[[Sequence[int]], bool] = field(default=lambda tokens: False, compare=False)


@dataclass
class Drawn:
    """A row's tokens, the end token included. Where asked for, each token's log-probability and then those of the
    likeliest tokens, as (token, log-probability): the model's own, before temperature and top_p. `prompt_logprobs`,
    where asked for, are those of the prompt's tokens from the second on."""

    tokens: list[int] = field(default_factory=list)
    finish_reason: str = "length"
    logprobs: list[list[tuple[int, float]]] = field(default_factory=list)
    prompt_logprobs: list[tuple[int, float]] = field(default_factory=list)


class RowSampler:
    """Both logits processor and stopping criterion of `generate`, for rows that may end at different times.

    `rows` are those still alive, as indices into `drawn`. Once a quarter of them has ended every row is reported as
    ended, so that `generate` returns and the caller goes on with the live ones only.
    """

    def __init__(self, samplings: Sequence[Sampling], end_tokens: Sequence[int], width: int, device: str) -> None:
        self.drawn = [Drawn() for _ in samplings]
        self.rows = list(range(len(samplings)))
        self._samplings, self._end_tokens, self._width = samplings, set(end_tokens), width
        self._keys = torch.tensor([_key(s.seed, s.sample) for s in samplings], device=device)
        self._temperature = torch.tensor([s.temperature for s in samplings], device=device)
        self._top_p = torch.tensor([s.top_p for s in samplings], device=device)

    def peel(self) -> list[int]:
        """Drop the ended rows. Returns the positions, among the rows until now, of those that stay."""
        stay = [i for i, row in enumerate(self.rows) if not self._ended(row)]
        self.rows = [self.rows[i] for i in stay]
        return stay

    def scores(self, ids: Tensor, logits: Tensor) -> Tensor:
        """`logits` [rows, vocabulary] -> scores whose argmax is the draw; notes the log-probabilities asked for."""
        scores = logits
        temperature = self._temperature[self.rows]
        if bool((temperature > 0).any()):
            scaled = keep_top_p(logits / temperature.clamp(min=1e-4)[:, None], self._top_p[self.rows])
            noisy = scaled + gumbel(self._keys[self.rows], ids.shape[1] - self._width, logits.shape[1])
            scores = torch.where((temperature > 0)[:, None], noisy, logits)
        self._note(logits, scores)
        return scores

    def ended(self, ids: Tensor) -> Tensor:
        """`ids` [rows, length] with the token just drawn -> which rows `generate` may regard as ended."""
        for row, token in zip(self.rows, ids[:, -1].tolist(), strict=True):
            if not self._ended(row):
                tokens = self.drawn[row].tokens
                tokens.append(token)
                if token in self._end_tokens or self._samplings[row].is_over(tokens):
                    self.drawn[row].finish_reason = "stop"
        ended = [self._ended(row) for row in self.rows]
        return torch.full((len(ended),), sum(ended) >= max(1, _PEEL_SHARE * len(ended)), device=ids.device)

    def _ended(self, row: int) -> bool:
        drawn = self.drawn[row]
        return drawn.finish_reason == "stop" or len(drawn.tokens) >= self._samplings[row].max_tokens

    def _note(self, logits: Tensor, scores: Tensor) -> None:
        for i, row in enumerate(self.rows):
            likeliest = self._samplings[row].logprobs
            if likeliest is not None and not self._ended(row):
                own = logits[i].log_softmax(-1)
                tokens = [int(scores[i].argmax()), *own.topk(likeliest).indices.tolist()]
                self.drawn[row].logprobs.append([(token, float(own[token])) for token in tokens])


def keep_top_p(logits: Tensor, top_p: Tensor) -> Tensor:
    """[rows, vocabulary], [rows] -> logits with all but each row's smallest set of probability >= top_p at -inf."""
    cut = (top_p < 1).nonzero()[:, 0]
    if len(cut):
        ordered, order = logits[cut].sort(descending=True)
        probabilities = ordered.softmax(-1)
        outside = probabilities.cumsum(-1) - probabilities >= top_p[cut, None]
        logits[cut] = torch.empty_like(ordered).scatter_(1, order, ordered.masked_fill(outside, -torch.inf))
    return logits


def gumbel(keys: Tensor, position: int, vocabulary: int) -> Tensor:
    """Standard Gumbel noise [rows, vocabulary] that depends on each row's key, the position and the token only."""
    step = _mix(_mix(keys & _LOW32 ^ position * _GOLDEN & _LOW32) ^ keys >> 32)
    tokens = torch.arange(vocabulary, device=keys.device) * _GOLDEN
    bits = _mix(step[:, None] + tokens & _LOW32) >> 9
    # 23 bits and a half fit float32 exactly, so the uniform is never 0 or 1.
    uniform = (bits.float() + 0.5) / 2**23
    return -torch.log(-torch.log(uniform))


def _mix(x: Tensor) -> Tensor:
    """32-bit avalanche (the finaliser of MurmurHash3) of numbers in [0, 2^32)."""
    x = (x ^ x >> 16) * 0x85EBCA6B & _LOW32
    x = (x ^ x >> 13) * 0xC2B2AE35 & _LOW32
    return x ^ x >> 16


def _key(seed: int, sample: int) -> int:
    digest = hashlib.blake2b(f"{seed}/{sample}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
