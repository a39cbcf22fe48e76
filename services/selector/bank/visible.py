"""Whether a concept says what a picture can show, by its nearness to phrases of our own that do and that do not.

Knows no rule and no class. The phrases stand for no domain: looks of any thing against facts about any thing.
"""

from collections.abc import Sequence

from torch import Tensor

from services.selector.encoder import Encoder

SEEN = (
    "white with dark spots",
    "bright red colour",
    "pale yellow underside",
    "dark brown upper side with grey edges",
    "a long pointed shape",
    "a small rounded head",
    "short thick legs",
    "a forked tail",
    "a thin curved bill",
    "two white bars on the wings",
    "a black patch around the eye",
    "fine dark stripes along the sides",
    "irregular blurred borders",
    "a rough scaly surface",
    "a raised round bump",
    "a cluster of small red dots",
    "a smooth shiny surface",
    "brown rings with yellow margins",
    "curled dry edges",
    "a cloudy white area on one side",
    "two engines below the wings",
    "a tail fin in the shape of a T",
    "a row of small windows along the body",
    "a blue line painted along the side",
    "long wavy hair",
    "upright triangular ears",
    "a stout body with a large head",
    "small in size",
)
UNSEEN = (
    "it weighs about two kilograms",
    "it lives for ten years",
    "it eats insects and seeds",
    "it builds its nest in trees",
    "it is found in forests of the north",
    "it spends the winter in the south",
    "it has a loud call",
    "it is an endangered species",
    "the population is falling",
    "it is friendly and social",
    "both parents care for the young",
    "it belongs to the same family",
    "it was named after its discoverer",
    "it is popular with visitors",
    "it can fly very fast",
    "it dives deep for fish",
    "it is often seen in groups",
    "it is usually harmless",
    "it may be treated with medicine or surgery",
    "its cause is unknown",
    "it is more common in older people",
    "it can itch or hurt",
    "a doctor should examine it",
    "it can spread to other parts",
    "it carries many passengers",
    "its top speed is high",
    "it was built for airlines and first flew long ago",
    "it is reliable and cheap to run",
    "it is three metres long",
    "a comfortable quiet ride",
    "everybody likes it",
    "it is beautiful and makes people happy",
    "a typical layout of the cabin",
    "air conditioning and backup power",
)


class Visibility:
    """Scores by the mean of the three nearest phrases of each kind: above 0 a concept is nearer to what is seen."""

    _NEAREST = 3

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._seen_ae = encoder.encode(SEEN)
        self._unseen_ae = encoder.encode(UNSEEN)

    def scores(self, concepts: Sequence[str]) -> list[float]:
        """In [-2, 2], one a concept."""
        if not concepts:
            return []
        concepts_ce = self._encoder.encode(concepts)
        return [float(x) for x in self._near(concepts_ce, self._seen_ae) - self._near(concepts_ce, self._unseen_ae)]

    def _near(self, concepts_ce: Tensor, anchors_ae: Tensor) -> Tensor:
        cosines_ca = concepts_ce @ anchors_ae.T
        return cosines_ca.topk(min(self._NEAREST, cosines_ca.shape[1]), dim=1).values.mean(1)
