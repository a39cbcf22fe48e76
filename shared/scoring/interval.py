"""How sure a share is. Pure."""

import math

_Z_95 = 1.959963984540054


def wilson(successes: int, total: int) -> tuple[float, float]:
    """The 95% Wilson score interval of successes/total, in [0, 1]; (0, 1) when nothing was counted.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total} is impossible")
    if total == 0:
        return 0.0, 1.0
    share, z2 = successes / total, _Z_95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = _Z_95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the bounds are exactly 0 and 1; rounding must not move them past the share.
    return (middle - spread if successes else 0.0), (middle + spread if successes < total else 1.0)
