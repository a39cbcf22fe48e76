"""A QA pair as token ids. Pure."""

from dataclasses import dataclass

IGNORED = -100


@dataclass(frozen=True)
class TokenPair:
    """A pair ready to train on: ids of prompt and answer, and how many of them are the prompt's. `view` counts the
    image's augmented views; 0 is the image itself."""

    image: str
    ids: tuple[int, ...]
    prompt_length: int
    view: int = 0

    @property
    def labels(self) -> tuple[int, ...]:
        return (IGNORED,) * self.prompt_length + self.ids[self.prompt_length :]
