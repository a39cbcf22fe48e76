"""What the generation steps need of any engine, as tests: run against the fake one and the real one alike."""

import asyncio
import base64
import io
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from services.generator.chat import Chat, Engine, Reply, Sampling
from services.generator.likelihood import shared_tokens
from services.generator.wire import Read, Schema
from shared.errors import EngineUnavailable, NotFound

WARM = Sampling(n=1, temperature=1.0, top_p=1.0, max_tokens=6)


@dataclass(frozen=True)
class Served:
    """An engine that runs, and a model that it serves."""

    engine: Engine
    model: str

    def ask(
        self,
        sampling: Sampling,
        seed: int,
        text: str = "What bird is this?",
        colour: str = "red",
        schema: Schema | None = None,
    ) -> tuple[Reply, ...]:
        async def ask() -> tuple[Reply, ...]:
            async with Chat(self.engine) as chat:
                return await chat.ask(self.model, image_uri(colour), text, sampling, seed, schema=schema)

        return asyncio.run(ask())

    def read(self, *said: str, colour: str = "red") -> list[Read]:
        async def read() -> list[Read]:
            async with Chat(self.engine) as chat:
                asked = (chat.read(self.model, image_uri(colour), "What bird is this?", each) for each in said)
                return await asyncio.gather(*asked)

        return asyncio.run(read())


class ChatContract:
    """Subclass with a fixture `served`."""

    def test_as_many_choices_come_as_were_asked_for(self, served: Served) -> None:
        assert len(served.ask(replace(WARM, n=3), seed=1)) == 3

    def test_choices_of_one_request_differ(self, served: Served) -> None:
        assert len({reply.text for reply in served.ask(replace(WARM, n=4), seed=1)}) > 1

    def test_the_same_seed_gives_the_same_texts(self, served: Served) -> None:
        sampling = replace(WARM, n=2)
        assert served.ask(sampling, seed=7) == served.ask(sampling, seed=7)

    def test_another_seed_gives_another_text(self, served: Served) -> None:
        assert served.ask(WARM, seed=7) != served.ask(WARM, seed=8)

    def test_greedy_answers_do_not_depend_on_the_seed(self, served: Served) -> None:
        greedy = replace(WARM, temperature=0.0)
        assert served.ask(greedy, seed=1) == served.ask(greedy, seed=2)

    def test_an_answer_cut_at_the_token_limit_says_so(self, served: Served) -> None:
        [reply] = served.ask(replace(WARM, max_tokens=1), seed=1)
        assert reply.finish_reason == "length"

    def test_an_answers_beginning_is_read_token_by_token_with_the_prompt(self, served: Served) -> None:
        red, long, blue = served.read("This is a red wing.", "This is a red wing. It is", "This is a blue tail.")
        ids = [[token for token, _ in each] for each in (red, long, blue)]
        assert ids[0] == ids[1][: len(ids[0])] != ids[2][: len(ids[0])]
        assert ids[0][0] == ids[2][0]
        assert all(value <= 0 for each in (red, long, blue) for _, value in each)
        assert [value for _, value in long[: len(red) - 1]] == pytest.approx([v for _, v in red[:-1]], abs=2e-3)

    def test_a_text_without_an_image_is_answered_and_read(self, served: Served) -> None:
        async def ask() -> tuple[tuple[Reply, ...], list[Read]]:
            async with Chat(served.engine) as chat:
                replies = await chat.ask(served.model, None, "A red wing.", replace(WARM, n=2), 1)
                read = [await chat.read(served.model, None, "A wing?", said) for said in (".", "A red wing.")]
                return replies, read

        replies, read = asyncio.run(ask())
        assert len(replies) == 2
        assert 0 < shared_tokens(read) < min(map(len, read))

    def test_an_unknown_model_is_not_found(self, served: Served) -> None:
        with pytest.raises(NotFound, match="no-such-model"):
            replace(served, model="no-such-model").ask(WARM, seed=1)

    def test_a_wrong_key_is_refused_at_once(self, served: Served) -> None:
        with pytest.raises(EngineUnavailable, match="refuses the key"):
            replace(served, engine=replace(served.engine, key="wrong")).ask(WARM, seed=1)


def image_uri(colour: str) -> str:
    sink = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(sink, "PNG")
    return f"data:image/png;base64,{base64.b64encode(sink.getvalue()).decode()}"
