"""How much an answer owes to the picture: how likely the teacher finds it with the image and with its mean colour only.

Texts in, nats out. Knows no selection and no label.
"""

import asyncio
from collections.abc import Sequence

from services.generator.covering import Cover
from services.generator.likelihood import shared_tokens
from services.generator.steps.teacher import Sitting
from services.generator.wire import Read, data_uri

# No answer begins so: what it shares with one that does is the prompt.
_NOTHING_SAID = "."


def hidden(image: bytes) -> str:
    """The picture with all of it covered, as a data URI."""
    cover = Cover(image)
    [everything] = cover.cells(1)
    return data_uri("png", cover.without(everything))


async def contrasts(sitting: Sitting, question: str, answers: Sequence[str], covered: str) -> dict[str, float]:
    """By answer, the mean over its tokens of what the picture adds to their log-probabilities, in nats, over what is
    left of it when it is `covered`.

    2 + 2 requests an answer; an answer is left out where one of its requests failed for good.
    """
    texts = list(dict.fromkeys(answer for answer in answers if answer.strip()))
    if not texts:
        return {}
    seen, blind = await asyncio.gather(
        _likely(sitting, question, texts, None), _likely(sitting, question, texts, covered)
    )
    return {text: seen[text] - blind[text] for text in texts if text in seen and text in blind}


async def _likely(sitting: Sitting, question: str, texts: Sequence[str], picture: str | None) -> dict[str, float]:
    """The mean log-probability of each text's tokens in view of the picture (None: the example's image)."""
    prompt, *whole = await asyncio.gather(*(sitting.read(question, said, picture) for said in (_NOTHING_SAID, *texts)))
    if prompt is None:
        return {}
    return {text: _mean(prompt, read) for text, read in zip(texts, whole, strict=True) if read is not None}


def _mean(prompt: Read, read: Read) -> float:
    own = [value for _, value in read[shared_tokens([prompt, read]) :]]
    return sum(own) / max(1, len(own))
