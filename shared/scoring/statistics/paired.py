"""Whether one model is better than another on the same images: McNemar's test. Pure."""

from dataclasses import dataclass

from scipy.special import bdtr


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
    up_to = float(bdtr(fewer, changed, 0.5))
    exactly = up_to - (float(bdtr(fewer - 1, changed, 0.5)) if fewer else 0.0)
    return McNemar(gained, lost, min(1.0, 2 * up_to), min(1.0, 2 * up_to - exactly))
