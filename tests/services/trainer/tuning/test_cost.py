"""What optimiser steps cost, and the MFU that follows from it."""

import pytest

from services.trainer.token_pair import TokenPair
from services.trainer.tuning.cost import Cost
from services.trainer.tuning.pace import Done, Stopwatch


def pair(question: int) -> TokenPair:
    """Of ten tokens, the first six of which all pairs of the image share."""
    ids = (1, 1, 1, 1, 1, 1, question, 3, 4, 5)
    return TokenPair(image="a.png", ids=ids, prompt_length=8)


def test_a_token_costs_four_operations_a_frozen_weight_and_six_a_trained_one() -> None:
    assert Cost(frozen=100, trained=10).flops([pair(7), pair(8)]) == 20 * (400 + 60)


def test_what_pairs_of_a_packed_sequence_share_is_computed_once() -> None:
    assert Cost(100, 0, pack_length=64).flops([pair(7), pair(8)]) == (6 + 2 * 4) * 400
    assert Cost(100, 0, pack_length=8).flops([pair(7), pair(8)]) == 20 * 400


def test_the_pace_is_that_of_the_last_steps_and_a_device_that_is_not_known_has_no_mfu() -> None:
    known, unknown = Stopwatch(2, peak_flops=1e12), Stopwatch(2)
    for watch in (known, unknown):
        watch.start_steps()
        watch.step_done(Done(tokens=100, pairs=4, flops=1e6))
    pace = known.pace(steps_left=1)
    assert pace.tokens_per_s == pytest.approx(25 * pace.pairs_per_s)
    assert pace.mfu == pytest.approx(pace.tokens_per_s * 1e4 / 2e12)
    assert unknown.pace(1).mfu == 0
