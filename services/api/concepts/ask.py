"""ask_concepts: one question a class to an endpoint. Each class is a part, so a killed worker asks only for the rest.

A class without a usable answer is an empty part with the reason; that no class has one is an error.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from services.api.concepts import answers, prompt
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.concepts.labels import ConceptClass
from shared.endpoints.addresses import ConceptEndpoint, host_of, resolve
from shared.endpoints.asking import Asker, Endpoint, EndpointRefuses
from shared.seeds import derive
from shared.types.concept_job import ConceptClasses, ConceptJob
from shared.types.concepts import BankSource
from shared.types.records import Proposal
from shared.worker.context import StepContext
from shared.worker.watching import now, run_watched

# An endpoint that names far more than it was asked for is not read to its end.
_TIMES_ASKED = 4


def ask_concepts(
    context: StepContext, endpoints: Mapping[str, ConceptEndpoint], open_urls: Sequence[str]
) -> ManifestRef:
    """Raises EndpointUnavailable, EndpointRefuses or EndpointNotAllowed."""
    job = ConceptJob.model_validate(context.task.params)
    base_url = resolve(job.base_url, job.secret, endpoints, open_urls)
    run = _Run(context, job, base_url)
    key = endpoints[job.secret].key(job.secret) if job.secret and run.todo else None
    run.complete(Endpoint(base_url, job.model, key) if key else Endpoint(base_url, job.model))
    return run.finish()


class _Run:
    def __init__(self, context: StepContext, job: ConceptJob, base_url: str) -> None:
        self._context, self._job, self._base_url = context, job, base_url
        body = context.store.get(context.task.inputs["classes"][0])
        self._classes = ConceptClasses.model_validate_json(body).to_ask
        self._writer = ArtefactWriter(context.store, context.task, Proposal)
        self._done = len(self._writer.done)
        self._tokens = 0

    @property
    def todo(self) -> list[int]:
        return [number for number in range(len(self._classes)) if number not in self._writer.done]

    def complete(self, endpoint: Endpoint) -> None:
        async def work() -> None:
            # Few are begun at once: when the attempt ends early, what was begun is lost.
            waiting = iter(self.todo)
            async with Asker(endpoint, self._job.ask, prompt.SCHEMA) as asker, asyncio.TaskGroup() as workers:
                for _ in range(min(self._job.ask.in_flight, len(self.todo))):
                    workers.create_task(self._ask_each(asker, waiting))

        run_watched(work, self._context.check, self._tell)

    def finish(self) -> ManifestRef:
        rows = list(self._writer.read())
        empty = sorted({row.label for row in rows} - {row.label for row in rows if row.concepts})
        if self._classes and len(empty) == len(self._classes):
            last = rows[-1]
            raise EndpointRefuses(
                f"{self._job.model!r} gave no usable answer for any class; the last was {last.outcome}: {last.detail}",
                remedy="Try another model, or raise ask.max_tokens.",
            )
        return self._writer.finish(len(self._classes), _figures(rows, empty), self._extra(rows, empty))

    async def _ask_each(self, asker: Asker, waiting: Iterator[int]) -> None:
        for number in waiting:
            rows = await self._ask_one(asker, self._classes[number])
            await asyncio.to_thread(self._writer.put, number, rows)
            self._done += 1

    async def _ask_one(self, asker: Asker, each: ConceptClass) -> list[Proposal]:
        ask, rows = self._job.ask, list[Proposal]()
        question = prompt.messages(each.label, each.aliases, self._job.domain, ask.concepts)
        while len(rows) < ask.tries and not any(row.concepts for row in rows):
            seed = derive(self._context.task.seed, "ask_concepts", each.label, len(rows))
            answer = await asker.ask(question, seed)
            concepts, outcome, detail = answers.read(answer, _TIMES_ASKED * ask.concepts)
            self._tokens += answer.prompt_tokens + answer.completion_tokens
            rows.append(
                Proposal(
                    label=each.label,
                    example_id=None,
                    concepts=concepts,
                    outcome=outcome,
                    detail=detail,
                    prompt_tokens=answer.prompt_tokens,
                    completion_tokens=answer.completion_tokens,
                )
            )
        return rows

    def _tell(self) -> None:
        self._context.progress(self._done, len(self._classes), {"tokens": float(self._tokens)})

    def _extra(self, rows: Sequence[Proposal], empty: Sequence[str]) -> dict[str, object]:
        source = BankSource(
            id=self._context.task.job_id,
            kind="endpoint",
            made_at=now(),
            model=self._job.model,
            host=host_of(self._base_url),
            prompt_sha256=prompt.prompt_sha256(self._job.domain, self._job.ask.concepts),
            prompt_tokens=sum(row.prompt_tokens for row in rows),
            completion_tokens=sum(row.completion_tokens for row in rows),
        )
        whys = {row.label: f"{row.outcome}: {row.detail}" for row in rows if row.label in set(empty)}
        return {"source": source.model_dump(mode="json"), "empty": whys}


def _figures(rows: Sequence[Proposal], empty: Sequence[str]) -> dict[str, float]:
    return {
        "classes": float(len({row.label for row in rows})),
        "empty": float(len(empty)),
        "answers": float(len(rows)),
        "prompt_tokens": float(sum(row.prompt_tokens for row in rows)),
        "completion_tokens": float(sum(row.completion_tokens for row in rows)),
    }
