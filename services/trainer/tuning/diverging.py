"""Says which pairs make the loss something else than a number. Knows pairs and a way to their losses, no schedule."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from services.trainer.plan import TrainPair
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.encoding import PairEncoder
from shared.errors import UserFault

_NAMED = 5


class NotFinite(Exception):
    """The loss or gradient of `pairs`, all of one step or validation, is no number; nor is that of `bad` alone.
    None: they could not be tried alone."""

    def __init__(self, what: str, pairs: Sequence[TokenPair], bad: Sequence[TokenPair] | None) -> None:
        super().__init__(what)
        self.what = what
        self.pairs = pairs
        self.bad = bad


def bad_ones(pairs: Iterable[TokenPair], loss_of: Callable[[TokenPair], float]) -> list[TokenPair]:
    """Those, each once, whose own loss is not finite."""
    return [pair for pair in dict.fromkeys(pairs) if not math.isfinite(loss_of(pair))]


def diverged(fault: NotFinite, encoder: PairEncoder, pairs: Iterable[TrainPair]) -> UserFault:
    """The error for the user: `pairs` are all that there are, to find the bad ones' keys and questions in."""
    distinct = len(set(fault.pairs))
    if fault.bad is None:
        remedy = "Lower train.learning_rate, or train with train.parallel ddp to have the pairs named that caused it."
        return _error(f"{fault.what}; its {distinct} pairs could not be tried one by one", remedy)
    if not fault.bad or len(fault.bad) == distinct:
        of = "all of the step's pairs" if fault.bad else "none of the step's pairs alone"
        return _error(f"{fault.what}, by {of}", "Lower train.learning_rate, or train in float32.")
    images = {pair.image for pair in fault.bad}
    bad = {replace(pair, view=0) for pair in fault.bad}
    asked = [pair for pair in pairs if pair.image in images and encoder.encode(pair) in bad]
    named = [f"{pair.image_key or pair.image} ({pair.question!r})" for pair in dict.fromkeys(asked)]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return _error(
        f"{fault.what}, by {len(fault.bad)} of the step's {distinct} pairs: {'; '.join(named[:_NAMED])}{more}",
        "Look at these images and their answers. Take them out of the data set, or train in float32.",
    )


def _error(message: str, remedy: str) -> UserFault:
    return UserFault(message, remedy=remedy, code="training_diverged")
