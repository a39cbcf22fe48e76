"""What asking for concepts needs of any endpoint, as tests: run against the fake one and the engine of ours alike."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import SecretStr

from services.api.concepts.prompt import SCHEMA, messages
from shared.endpoints.asking import Asker, Endpoint, EndpointRefuses
from shared.endpoints.wire import Answer
from shared.types.concept_job import AskSettings
from shared.types.domain import Domain

QUESTION = messages("red finch", (), Domain(noun="bird"), 5)
BRISK: dict[str, Any] = {"requests_per_minute": 60_000, "patience_s": 5.0, "max_tokens": 64}


@dataclass(frozen=True)
class Reached:
    endpoint: Endpoint

    def ask(self, seed: int = 1, question: list[dict[str, str]] = QUESTION, **settings: Any) -> Answer:
        async def ask() -> Answer:
            async with Asker(self.endpoint, AskSettings.model_validate(BRISK | settings), SCHEMA) as asker:
                return await asker.ask(question, seed)

        return asyncio.run(ask())


class EndpointContract:
    """Subclass with a fixture `reached`, whose key is not empty."""

    def test_a_question_is_answered_and_its_tokens_counted(self, reached: Reached) -> None:
        answer = reached.ask()
        assert answer.prompt_tokens > 0
        assert answer.completion_tokens > 0
        assert answer.finish_reason in ("stop", "length")

    def test_an_answer_cut_at_the_limit_says_so(self, reached: Reached) -> None:
        assert reached.ask(max_tokens=16, question=[{"role": "user", "content": "say " * 20}]).finish_reason == "length"

    def test_the_same_seed_gives_the_same_answer(self, reached: Reached) -> None:
        assert reached.ask(seed=3) == reached.ask(seed=3)

    def test_an_unknown_model_is_refused(self, reached: Reached) -> None:
        with pytest.raises(EndpointRefuses, match="no-such-model"):
            replace(reached, endpoint=replace(reached.endpoint, model="no-such-model")).ask()

    def test_a_wrong_key_is_refused_and_in_no_message(self, reached: Reached) -> None:
        wrong = replace(reached.endpoint, key=SecretStr("sk-wrong-key"))
        with pytest.raises(EndpointRefuses, match="HTTP 401") as raised:
            replace(reached, endpoint=wrong).ask()
        assert "sk-wrong-key" not in str(raised.value)
