"""From log-probabilities of tokens to those of sentences that share a beginning. Pure; knows no tokenizer."""

from collections.abc import Sequence

from services.generator.wire import Read


def likelihoods(read: Sequence[Read]) -> tuple[float, ...]:
    """Of each prompt the log-probability of what follows the tokens that all begin with, in nats. The tokens that all
    share are left out, since they are as likely in each; where one is the beginning of another, that is its whole."""
    shared = _shared([[token for token, _ in each] for each in read])
    return tuple(sum(value for _, value in each[shared:]) for each in read)


def _shared(ids: Sequence[Sequence[int]]) -> int:
    """How many tokens all begin with."""
    for place, tokens in enumerate(zip(*ids, strict=False)):
        if len(set(tokens)) > 1:
            return place
    return min(map(len, ids), default=0)
