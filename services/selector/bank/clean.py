"""Takes out of what was named for one class all that is no concept, each with its reason; orders the rest. Pure: the
encoder is given."""

from collections.abc import Sequence

from torch import Tensor

from services.selector.bank.naming import Named
from services.selector.bank.visible import Visibility
from services.selector.encoder import Encoder
from shared.concepts.labels import ConceptClass
from shared.concepts.rules import GivesAway, contrast, fault_of
from shared.concepts.wording import key_of
from shared.types.concept_job import CleanSettings
from shared.types.records import CleanedConcept


class Cleaner:
    """`noun` is what the images show."""

    def __init__(self, settings: CleanSettings, noun: str, encoder: Encoder) -> None:
        self._settings = settings
        self._noun = noun
        self._encoder = encoder
        self._visibility = Visibility(encoder)

    def cleaned(self, each: ConceptClass, named: Sequence[Named]) -> list[CleanedConcept]:
        """The kept concepts first, those seen in most images leading; then those taken out."""
        fit, removed = self._by_words(each, named)
        fit, unseen = self._by_sight(fit)
        fit.sort(key=lambda n: -(n.images or 0))
        kept, doubles = self._by_nearness(fit)
        kept.sort(key=lambda n: -(n.images or 0))
        most = self._settings.at_most
        surplus = [n.row("surplus") for n in kept[most:]]
        return [n.row() for n in kept[:most]] + removed + unseen + doubles + surplus

    def _by_words(self, each: ConceptClass, named: Sequence[Named]) -> tuple[list[Named], list[CleanedConcept]]:
        gives_away, first = GivesAway(each.names, self._noun), dict[str, Named]()
        fit: list[Named] = []
        removed: list[CleanedConcept] = []
        for n in named:
            same = first.setdefault(key_of(n.concept), n)
            if reason := fault_of(n.concept, gives_away, self._settings.most_words):
                removed.append(n.row(reason))
            elif same is not n:
                removed.append(n.row("repeat", same.concept))
            elif n.images is not None and n.images < self._settings.least_images:
                removed.append(n.row("seen_too_seldom"))
            else:
                fit.append(n)
        return fit, removed

    def _by_sight(self, named: list[Named]) -> tuple[list[Named], list[CleanedConcept]]:
        if not self._settings.judge_visual:
            return named, []
        scores = self._visibility.scores([n.concept for n in named])
        limit = self._settings.visual_margin
        fit = [n for n, score in zip(named, scores, strict=True) if score >= limit]
        return fit, [n.row("not_visual") for n, score in zip(named, scores, strict=True) if score < limit]

    def _by_nearness(self, named: Sequence[Named]) -> tuple[list[Named], list[CleanedConcept]]:
        """Of near duplicates the first stays, and is taken to be seen where any of them was."""
        kept: list[Named] = []
        doubles: list[CleanedConcept] = []
        if not named:
            return kept, doubles
        concepts_ce = self._encoder.encode([n.concept for n in named])
        cosines_cc = concepts_ce @ concepts_ce.T
        places: list[int] = []
        for place, n in enumerate(named):
            double = self._first_near(n, cosines_cc[place], kept, places)
            if double is None:
                kept.append(n)
                places.append(place)
            else:
                doubles.append(n.row("near_duplicate", double.concept))
                if double.seen_in is not None and n.seen_in is not None:
                    double.seen_in |= n.seen_in
        return kept, doubles

    def _first_near(self, n: Named, cosines_c: Tensor, kept: Sequence[Named], places: Sequence[int]) -> Named | None:
        limit = self._settings.near_duplicate
        near = (k for k, place in zip(kept, places, strict=True) if float(cosines_c[place]) >= limit)
        return next((k for k in near if not contrast(k.concept, n.concept)), None)
