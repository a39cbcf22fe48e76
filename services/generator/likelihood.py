"""From log-probabilities of tokens to those of sentences that share a beginning. Pure; knows no tokenizer."""

from collections.abc import Sequence

from services.generator.wire import Read


def likelihoods(read: Sequence[Read]) -> tuple[float, ...]:
    """Of each prompt the log-probability of what follows the tokens that all begin with, in nats. The tokens that all
    share are left out, since they are as likely in each; where one is the beginning of another, that is its whole."""
    shared = shared_tokens(read)
    return tuple(sum(value for _, value in each[shared:]) for each in read)


def shared_tokens(read: Sequence[Read]) -> int:
    """How many tokens all begin with."""
    ids = [[token for token, _ in each] for each in read]
    for place, tokens in enumerate(zip(*ids, strict=False)):
        if len(set(tokens)) > 1:
            return place
    return min(map(len, ids), default=0)
