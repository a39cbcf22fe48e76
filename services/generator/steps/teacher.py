"""One example put before the model: its own image goes with every prompt. Knows no step's purpose."""

import asyncio
from collections.abc import Sequence
from functools import cached_property

from services.generator.chat import Chat, Reply, Sampling
from services.generator.likelihood import likelihoods
from services.generator.steps.failures import Failures
from services.generator.wire import Read, Schema, data_uri
from shared.errors import InvalidInput, RequestsFailed
from shared.seeds import derive
from shared.types.records import Example
from shared.types.tasks import StepTask


class Sitting:
    """Questions asked about one example. `image` is the stored object as it is. `has_failures`: some request failed."""

    def __init__(self, chat: Chat, task: StepTask, example: Example, image: bytes, failures: Failures) -> None:
        self.example = example
        self.has_failures = False
        self._failures = failures
        self._chat = chat
        self._task = task
        self.image = image

    async def ask(
        self, text: str, sampling: Sampling, *which: object, schema: Schema | None = None, sees: bool = True
    ) -> tuple[Reply, ...]:
        """`which` tells this request from the example's others (question, sample ...): its seed derives from it. One
        that `sees` nothing goes without the image.

        A request that fails for good gives replies that say so, as long as no more fail than may.
        """
        self._failures.begin_request()
        model, about, seed = self._task.teacher, self.example.image_key, self.seed(*which)
        image = self._image_uri if sees else None
        try:
            return await self._chat.ask(model, image, text, sampling, seed, about=about, schema=schema)
        except (RequestsFailed, InvalidInput) as error:
            self.has_failures = True
            self._failures.add(error)
            return (Reply(text="", finish_reason="failed", failure=error.message),) * sampling.n

    async def log_likelihoods(self, text: str, sentences: Sequence[str]) -> tuple[float, ...] | None:
        """How likely, in nats, each of the sentences is as the answer to `text`, up to what they all begin with. A
        request a sentence; None when one of them failed for good."""
        read = await asyncio.gather(*(self.read(text, sentence) for sentence in sentences))
        whole = [each for each in read if each is not None]
        return likelihoods(whole) if len(whole) == len(sentences) else None

    async def read(self, text: str, said: str, picture: str | None = None) -> Read | None:
        """The prompt's tokens, were `said` the answer to `text` about the image, or about another `picture` (a data
        URI). None when the request failed for good."""
        return await self._read(self._task.teacher, picture or self._image_uri, text, said)

    async def read_by_base(self, text: str, said: str) -> Read | None:
        """The same, of the base model and without any image."""
        return await self._read(self._task.base_model, None, text, said)

    async def _read(self, model: str, image: str | None, text: str, said: str) -> Read | None:
        self._failures.begin_request()
        try:
            return await self._chat.read(model, image, text, said, about=self.example.image_key)
        except (RequestsFailed, InvalidInput) as error:
            self.has_failures = True
            self._failures.add(error)
            return None

    def seed(self, *which: object) -> int:
        task = self._task
        return derive(task.seed, task.round, task.step.value, self.example.id, *which)

    @cached_property
    def _image_uri(self) -> str:
        return data_uri(self.example.image_key, self.image)
