"""Plays queue messages as a worker would: takes them from the real queue, calls the coordinator, writes small real
artefacts. Knows no model."""

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from services.api.concepts.ask import ask_concepts
from services.api.ingest.step import Rules, ingest
from shared.artefacts import ArtefactWriter, ManifestRef, fingerprint, read_rows
from shared.benchmark_artefact import SCORES
from shared.endpoints.addresses import ConceptEndpoint
from shared.errors import SelfSynthError
from shared.objects import ObjectStore
from shared.queues import connect, queue_of
from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore
from shared.types.concept_job import ConceptClasses
from shared.types.concepts import BankSource
from shared.types.encoders import EncoderFacts
from shared.types.export import ExportedFile
from shared.types.lifecycle import QueueName, StepName
from shared.types.records import Description, Example, LossPoint, Prediction, Proposal, Record
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from shared.worker.coordinator import Coordinator
from shared.worker.lease import Lease

FIGURES: dict[StepName, dict[str, float]] = {
    StepName.DESCRIBE: {"descriptions": 4},
    StepName.SYNTHESISE: {"questions": 20, "pairs": 16, "fallbacks": 2},
    StepName.SELECT_ANSWERS: {"questions": 20, "pairs": 18, "fallbacks": 1},
    StepName.EVALUATE: {
        "test_total": 4,
        "test_correct": 3,
        "test_repeats": 1,
        "validation_total": 2,
        "validation_correct": 1,
        "explained_answers": 4,
        "explained_citing": 3,
        "explained_cited": 6,
        "explained_own": 3,
    },
}
ENCODER = EncoderFacts(name="models/<own>", prefix="query: ", identity="0123456789abcdef")
_SCORING = (StepName.SELECT_CONCEPTS, StepName.SELECT_ANSWERS)


class FakeWorker:
    def __init__(self, redis_url: str, api_url: str, token: str, store: ObjectStore, roots: tuple[Path, ...]) -> None:
        self.redis: Redis = connect(redis_url)
        self._api_url = api_url
        self._token = token
        self._store = store
        self._roots = roots
        self.played: list[StepTask] = []
        self.adapter: dict[str, bytes] = {}  # what training leaves; else it is made up
        self.endpoints: dict[str, ConceptEndpoint] = {}

    def take(self) -> StepTask | None:
        """The next message of any queue, in whatever state its job is."""
        queues = [queue_of(self.redis, name) for name in QueueName]
        taken = Queue.dequeue_any(queues, None, connection=self.redis, serializer=JSONSerializer)
        return StepTask.model_validate(taken[0].args[0]) if taken else None

    def waiting(self) -> list[str]:
        """Ids of the messages in all queues."""
        return [message for name in QueueName for message in queue_of(self.redis, name).get_job_ids()]

    def call(self, task: StepTask, name: str = "fake") -> Coordinator:
        return Coordinator(self._api_url, self._token, name, task)

    def play(self, task: StepTask) -> None:
        with self.call(task) as coordinator:
            coordinator.started()
            try:
                with Lease(coordinator.heartbeat, task.lease_s, kill=_let_it_be):
                    made = self.work(task)
                coordinator.succeeded(made)
            except SelfSynthError as error:
                coordinator.failed(error.report())
        self.played.append(task)

    def play_until(self, done: Callable[[], bool], patience: Callable[[], None]) -> None:
        """Play whatever comes until `done`."""
        while not done():
            task = self.take()
            if task:
                self.play(task)
            else:
                patience()

    def work(self, task: StepTask) -> ManifestRef:
        if task.step == StepName.INGEST:
            return ingest(StepContext(task, self._store), Rules(self._roots, 1 << 20, processes=0))
        if task.step in (StepName.ASK_CONCEPTS, StepName.VIEW_CONCEPTS, StepName.CLEAN_CONCEPTS):
            return self._concepts(task)
        if task.step == StepName.TRAIN:
            return self._train(task)
        if task.step == StepName.EXPORT:
            return self._export(task)
        if task.step == StepName.EVALUATE:
            return self._evaluate(task)
        if task.step == StepName.BENCHMARK:
            return self._benchmark(task)
        row = Description(example_id="0", instruction=0, sample=0, text=task.step, finish_reason="stop")
        extra = {"encoder": ENCODER.model_dump()} if task.step in _SCORING else {}
        return self._leave(task, Description, [row], FIGURES.get(task.step, {}), extra)

    def _evaluate(self, task: StepTask) -> ManifestRef:
        """Of every held-out image: each round names the class of one image more. The figures do not know of them."""
        examples = [e for e in read_rows(self._store, task.inputs["examples"], Example) if e.split != "train"]
        classes = sorted({e.label for e in examples})
        rows = [_prediction(e, k % 4 < task.round + 1, classes) for k, e in enumerate(examples)]
        return self._leave(task, Prediction, rows[task.shard :: task.shards], FIGURES[task.step], {"classes": classes})

    def _benchmark(self, task: StepTask) -> ManifestRef:
        """Of four samples, of which each round gets one more right."""
        right = [k < task.round + 1 for k in range(4)]
        rows = [
            BenchmarkAnswer(
                task="quiz",
                filter="none",
                sample=str(k),
                target="A",
                answers=("A",),
                metrics=("acc",),
                scores=(float(is_right),),
            )
            for k, is_right in enumerate(right)
        ]
        score = BenchmarkScore(task="quiz", metric="acc", filter="none", value=sum(right) / 4, stderr=0.25, samples=4)
        figures = {"requests": 4.0, score.name: score.value}
        return self._leave(task, BenchmarkAnswer, rows, figures, {SCORES: [score.model_dump(mode="json")]})

    def _concepts(self, task: StepTask) -> ManifestRef:
        """Asking and cleaning are the real steps; what a model sees in images is made up."""
        if task.step == StepName.ASK_CONCEPTS:
            return ask_concepts(StepContext(task, self._store), self.endpoints, ("loopback",))
        if task.step == StepName.CLEAN_CONCEPTS:
            from services.selector.bank.step import run  # takes torch
            from tests.services.selector.worlds import TableEncoder

            return run(StepContext(task, self._store), TableEncoder())
        classes = ConceptClasses.model_validate_json(self._store.get(task.inputs["classes"][0]))
        rows = [
            Proposal(
                label=label, example_id=str(k), concepts=("- a red wing", f"mark {k} of {label[:1]}"), outcome="ok",
                detail="", prompt_tokens=0, completion_tokens=0,
            )
            for label in classes.asked
            for k in range(2)
        ]  # fmt: skip
        source = BankSource(id=task.job_id, kind="own_model", model=task.base_model)
        return self._leave(task, Proposal, rows, {}, {"source": source.model_dump(mode="json")})

    def _train(self, task: StepTask) -> ManifestRef:
        prefix = f"{task.output_prefix}/{fingerprint(task)[:12]}/adapter-a{task.attempt}"
        made = {"adapter_config.json": b'{"r": 4}', "adapter_model.safetensors": task.message_id.encode() * 100}
        files = self.adapter or made
        for name, content in files.items():
            self._store.put(f"{prefix}/{name}", content)
        sha256 = hashlib.sha256(files["adapter_model.safetensors"]).hexdigest()
        adapter = {"prefix": prefix, "sha256": sha256}
        row = LossPoint(step=1, epoch=1.0, loss=0.5, learning_rate=1e-4)
        return self._leave(task, LossPoint, [row], {"pairs": 16}, {"adapter": adapter})

    def _export(self, task: StepTask) -> ManifestRef:
        """Two files; the larger one takes several chunks to send."""
        rows = []
        for name, body in {"README.md": b"# a card", "model.safetensors": b"weights " * 2_000_000}.items():
            sha256 = hashlib.sha256(body).hexdigest()
            key = f"{task.output_prefix}/files/{sha256}/{name}"
            self._store.put(key, body)
            rows.append(ExportedFile(name=name, key=key, size_bytes=len(body), sha256=sha256))
        return self._leave(task, ExportedFile, rows, {"files": 2}, {})

    def _leave(
        self, task: StepTask, record: type[Record], rows: Iterable[Record], figures: dict[str, float], extra: object
    ) -> ManifestRef:
        writer = ArtefactWriter(self._store, task, record)
        writer.put(0, list(rows))
        return writer.finish(1, figures, extra)  # type: ignore[arg-type]


def _prediction(example: Example, is_right: bool, classes: list[str]) -> Prediction:
    answer = f"A <b>{example.label}</b> | with {example.label} wings." if is_right else "I cannot *say*."
    return Prediction(
        example_id=example.id, split=example.split, label=example.label, question="What is it?", answer=answer,
        finish_reason="stop", predicted=example.label if is_right else "none", correct=is_right,
        contains_label=is_right, repeats=False, log_likelihoods=_log_likelihoods(example.label, is_right, classes),
    )  # fmt: skip


def _log_likelihoods(label: str, is_right: bool, classes: list[str]) -> tuple[float, ...]:
    """Where it is wrong it is as sure of the class after the right one."""
    sure_of = classes.index(label) if is_right else (classes.index(label) + 1) % len(classes)
    return tuple(math.log(0.85 if k == sure_of else 0.15) for k in range(len(classes)))


def _let_it_be() -> None:
    """Whoever plays a worker must not kill the tests when a lease is lost."""
