"""Whether one model is better than another on the same images: McNemar's test. Pure."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class McNemar:
    """`gained`: images wrong before and right now; `lost`: the other way. `p_exact` and `p_mid` are two-sided.

    The exact test keeps its level but is cautious; the mid-p keeps it nearly always and finds more (Fagerland,
    Lydersen, Laake, BMC Med Res Methodol 13:91, 2013). Both take images for independent of each other.
    """

    gained: int
    lost: int
    p_exact: float
    p_mid: float


def mcnemar(gained: int, lost: int) -> McNemar:
    """With as many gained as lost, or no image that changed, both p are 1."""
    changed, fewer = gained + lost, min(gained, lost)
    up_to = sum(_probability(k, changed) for k in range(fewer + 1))
    return McNemar(gained, lost, min(1.0, 2 * up_to), min(1.0, 2 * up_to - _probability(fewer, changed)))


def _probability(successes: int, trials: int) -> float:
    """Of so many successes when either side is as likely. By logarithms: scipy takes long to load."""
    ways = math.lgamma(trials + 1) - math.lgamma(successes + 1) - math.lgamma(trials - successes + 1)
    return math.exp(ways - trials * math.log(2))
