"""One example put before the model: its own image goes with every prompt. Knows no step's purpose."""

import base64
from functools import cached_property

from services.generator.chat import Chat, Reply, Sampling
from shared.seeds import derive
from shared.types.records import Example
from shared.types.tasks import StepTask


class Sitting:
    """Questions asked about one example. `image` is the stored object as it is."""

    def __init__(self, chat: Chat, task: StepTask, example: Example, image: bytes) -> None:
        self.example = example
        self._chat = chat
        self._task = task
        self._image = image

    async def ask(self, text: str, sampling: Sampling, *which: object) -> tuple[Reply, ...]:
        """`which` tells this request from the example's others (question, sample ...): its seed derives from it."""
        return await self._chat.ask(self._task.teacher, self._image_uri, text, sampling, self.seed(*which))

    def seed(self, *which: object) -> int:
        task = self._task
        return derive(task.seed, task.round, task.step.value, self.example.id, *which)

    @cached_property
    def _image_uri(self) -> str:
        kind = self.example.image_key.rpartition(".")[2].lower()
        return f"data:image/{'jpeg' if kind == 'jpg' else kind};base64,{base64.b64encode(self._image).decode()}"
