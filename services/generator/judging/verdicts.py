"""Asks the judge about a round's answers, each only once ever: verdicts are kept in the object store by the hash of
what was asked. Knows rows and an endpoint, no statistics.

A judge that fails costs a job nothing but its verdicts: those that are lacking are counted, and told of.
"""

import asyncio
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from services.generator.judging.question import RESPONSE_FORMAT, Verdict, messages, verdict_of
from shared.endpoints.addresses import ConceptEndpoint, host_of, parsed, resolve
from shared.endpoints.asking import Asker, Endpoint, EndpointRefuses, EndpointUnavailable
from shared.errors import NotFound, SelfSynthError
from shared.job_settings import JudgeSettings
from shared.seeds import derive
from shared.types.records import Prediction
from shared.worker.context import StepContext
from shared.worker.watching import run_watched

log = structlog.get_logger(__name__)

FOLDER = "judged"


@dataclass(frozen=True)
class Judges:
    """The endpoints that the operator's settings allow, as `shared.endpoints.settings` has them."""

    endpoints: Mapping[str, ConceptEndpoint] = field(default_factory=dict)
    open_urls: Sequence[str] = ()


class _Kept(BaseModel):
    """A verdict with what it cost when it was asked for."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    prompt_tokens: int
    completion_tokens: int


def judge(context: StepContext, rows: Sequence[Prediction], judges: Judges) -> tuple[dict[str, float], dict[str, Any]]:
    """Counts for the manifest's figures, and each verdict by example id. Raises EndpointNotAllowed, or SystemFault
    where the key is not there: what the operator has to mend ends a job at its first evaluation."""
    settings = context.settings.evaluate.judge
    assert settings is not None
    base_url = resolve(settings.base_url, settings.secret, judges.endpoints, judges.open_urls)
    run = _Run(context, settings, base_url, rows)
    if run.todo:
        key = judges.endpoints[settings.secret].key(settings.secret) if settings.secret else None
        run.complete(Endpoint(base_url, settings.model, key) if key else Endpoint(base_url, settings.model))
    return run.counts(), {id_: kept.verdict.model_dump(mode="json") for id_, kept in sorted(run.kept.items())}


class _Run:
    def __init__(
        self, context: StepContext, settings: JudgeSettings, base_url: str, rows: Sequence[Prediction]
    ) -> None:
        self._context, self._settings, self._base_url = context, settings, base_url
        # Two rows with the same answer share one verdict.
        self._rows = {row.example_id: self._key(row) for row in rows}
        self._asked = {self._key(row): self._messages(row) for row in rows}
        found = {key: self._look_up(key) for key in self._asked}
        self._kept = {key: kept for key, kept in found.items() if kept}
        self._from_cache = len(self._kept)
        self._end: SelfSynthError | None = None

    @property
    def todo(self) -> list[str]:
        """Keys of the verdicts that are lacking."""
        return [key for key in self._asked if key not in self._kept]

    @property
    def kept(self) -> dict[str, _Kept]:
        """By example id."""
        return {id_: self._kept[key] for id_, key in self._rows.items() if key in self._kept}

    def complete(self, endpoint: Endpoint) -> None:
        async def work() -> None:
            waiting = iter(self.todo)
            async with Asker(endpoint, self._settings, RESPONSE_FORMAT) as asker, asyncio.TaskGroup() as workers:
                for _ in range(min(self._settings.in_flight, len(self.todo))):
                    workers.create_task(self._ask_each(asker, waiting))

        run_watched(work, self._context.check, lambda: None)
        if lacking := len(self._rows) - len(self.kept):
            why = self._end.message if self._end else "it gave no verdict that can be read"
            self._context.tell(f"the judge {self._settings.model} left {lacking} of {len(self._rows)} answers: {why}")
            log.warning("verdicts are lacking", lacking=lacking, why=why)

    def counts(self) -> dict[str, float]:
        kept, asked = self.kept.values(), self._kept.values()
        return {
            "judged": float(len(kept)),
            "judged_exists": float(sum(each.verdict.explains for each in kept)),
            "judged_cognition": math.fsum(each.verdict.cognition for each in kept),
            "judge_unanswered": float(len(self._rows) - len(kept)),
            "judge_from_cache": float(self._from_cache),
            "judge_prompt_tokens": float(sum(each.prompt_tokens for each in asked)),
            "judge_completion_tokens": float(sum(each.completion_tokens for each in asked)),
        }

    async def _ask_each(self, asker: Asker, waiting: Iterator[str]) -> None:
        for key in waiting:
            # An endpoint that was given up once would be waited for again with each answer that is left.
            if self._end is None:
                await self._ask_one(asker, key)

    async def _ask_one(self, asker: Asker, key: str) -> None:
        prompt_tokens = completion_tokens = 0
        for attempt in range(self._settings.tries):
            try:
                answer = await asker.ask(self._asked[key], derive(self._context.task.seed, "judge", key, attempt))
            except (EndpointUnavailable, EndpointRefuses) as error:
                self._end = self._end or error
                return
            prompt_tokens += answer.prompt_tokens
            completion_tokens += answer.completion_tokens
            if verdict := verdict_of(answer):
                kept = _Kept(verdict=verdict, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
                await asyncio.to_thread(self._context.store.put, key, kept.model_dump_json().encode())
                self._kept[key] = kept
                return

    def _look_up(self, key: str) -> _Kept | None:
        """What cannot be read is asked for again."""
        try:
            return _Kept.model_validate_json(self._context.store.get(key))
        except (NotFound, ValidationError):
            return None

    def _messages(self, row: Prediction) -> list[dict[str, str]]:
        job = self._context.settings
        return messages(row.question, row.answer, job.noun, job.asks_for)

    def _key(self, row: Prediction) -> str:
        """By all that the verdict depends on."""
        facts = {
            "at": [host_of(self._base_url), parsed(self._base_url)[3]],
            "model": self._settings.model,
            "temperature": self._settings.temperature,
            "format": RESPONSE_FORMAT,
            "messages": self._messages(row),
        }
        sha256 = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return f"{FOLDER}/{sha256[:2]}/{sha256}.json"
