"""Does an answer hang on what it cites: hides the picture cell by cell and looks how likely concept and class stay.

The cell whose hiding makes the cited words least likely is held to be the concept's region. What is compared is another
thing, so that the choice of the cell does not decide it: how likely the class's name is after the plainest question, in
a sentence that names no feature.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from services.generator.covering import Cover
from services.generator.likelihood import shared_tokens
from services.generator.steps.teacher import Sitting
from services.generator.wire import Read, data_uri
from shared.scoring.citing import Citation

# No answer begins so: what it shares with one that does is the prompt.
NOTHING_SAID = "."


@dataclass(frozen=True)
class Saying:
    """The words `said[start:]` as the end of an answer to `text`."""

    text: str
    said: str
    start: int

    @property
    def before(self) -> str:
        return self.said[: self.start].rstrip() or NOTHING_SAID


def cited_words(question: str, answer: str, citation: Citation) -> Saying:
    return Saying(question, answer[: citation.end], citation.start)


async def drops(sitting: Sitting, cited: Saying, named: Saying, grid: int) -> tuple[float, float] | None:
    """By how many nats `named` becomes less likely when the region of `cited` is hidden, and the mean over all other
    cells. 4 + 2 * grid^2 requests; None when one of them failed for good."""
    pictures = await asyncio.to_thread(_pictures, sitting.image, grid)
    of_cited, of_named = await asyncio.gather(_likely(sitting, cited, pictures), _likely(sitting, named, pictures))
    if of_cited is None or of_named is None:
        return None
    region = min(range(grid**2), key=lambda cell: of_cited[1 + cell])
    fallen = [of_named[0] - value for value in of_named[1:]]
    return fallen[region], fmean(fall for cell, fall in enumerate(fallen) if cell != region)


def _pictures(image: bytes, grid: int) -> list[str]:
    """As data URIs: whole, and without each of the cells."""
    cover = Cover(image)
    return [data_uri("png", seen) for seen in (cover.whole(), *map(cover.without, cover.cells(grid)))]


async def _likely(sitting: Sitting, saying: Saying, pictures: Sequence[str]) -> list[float] | None:
    """The log-likelihood of the words in view of each picture, in nats."""
    first, *read = await asyncio.gather(
        sitting.read(saying.text, saying.before, pictures[0]),
        *(sitting.read(saying.text, saying.said, picture) for picture in pictures),
    )
    whole: list[Read] = [each for each in read if each]
    if first is None or len(whole) < len(read):
        return None
    begin = shared_tokens([first, whole[0]])
    return [sum(value for _, value in each[begin:]) for each in whole]
