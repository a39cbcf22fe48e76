"""However often a picture is asked about, it is read and encoded once: its requests share one text."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.generator.chat import Chat, Engine, Reply, Sampling
from services.generator.steps import contrast
from services.generator.steps.failures import Failures
from services.generator.steps.hiding import Saying, drops
from services.generator.steps.teacher import Sitting
from services.generator.wire import Read
from shared.types.lifecycle import StepName
from tests.services.generator.steps.pictures import picture
from tests.services.generator.steps.scene import Scene

GREEDY = Sampling(n=1, temperature=0.0, top_p=1.0, max_tokens=8)


class Keeping(Chat):
    """Answers at once, and keeps what images it was given."""

    def __init__(self) -> None:
        super().__init__(Engine("http://127.0.0.1:1"))
        self.images: list[str | None] = []

    async def ask(self, model: str, image: str | None, *_: Any, **__: Any) -> tuple[Reply, ...]:
        self.images.append(image)
        return (Reply("A red wing.", "stop"),)

    async def read(self, model: str, image: str | None, text: str, said: str, *, about: str = "") -> Read:
        self.images.append(image)
        return tuple((hash(word), -1.0) for word in (text, *said.split()))


async def one_of_each(sitting: Sitting) -> None:
    await sitting.ask("What?", GREEDY)
    await sitting.ask("Which?", GREEDY)
    await sitting.log_likelihoods("What?", ["A wren.", "A finch."])


async def contrasted(sitting: Sitting) -> None:
    blind = contrast.hidden(sitting.image)
    for question in ("What?", "Which?"):
        assert len(await contrast.contrasts(sitting, question, ["A wren.", "A finch."], blind)) == 2


async def covered(sitting: Sitting) -> None:
    assert await drops(sitting, Saying("What?", "It has a red wing", 9), Saying("Which?", "A wren", 2), grid=2)


@pytest.mark.parametrize(("work", "requests", "pictures"), [(one_of_each, 4, 1), (contrasted, 12, 2), (covered, 12, 5)])
def test_every_picture_is_encoded_once(
    scene: Scene, work: Callable[[Sitting], Awaitable[None]], requests: int, pictures: int
) -> None:
    async def asked() -> list[str | None]:
        async with Keeping() as chat:
            task = scene.context(StepName.EVALUATE, {}).task
            await work(Sitting(chat, task, scene.examples[0], picture(0), Failures(0.0, 1)))
            return chat.images

    images = asyncio.run(asked())
    assert len(images) == requests
    # Texts that are equal were encoded each by itself, unless they are one and the same.
    assert len({id(image) for image in images}) == len(set(images)) == pictures
