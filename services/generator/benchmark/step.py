"""benchmark: lmms-eval's tasks, asked of the base or of a round's adapter. Any request that fails, fails the step."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from services.generator.benchmark.door import Door
from services.generator.benchmark.failures import explained, tail
from services.generator.benchmark.place import Place, config_of
from services.generator.benchmark.results import BenchmarkFailed, Results
from services.generator.chat import Chat, Engine
from services.generator.observed import Observed
from shared.artefacts import ArtefactWriter, ManifestRef, read_manifest
from shared.benchmark_artefact import SCORES, read_benchmarked
from shared.job_settings import BenchmarkSettings
from shared.scoring.benchmark import Benchmarked, changes
from shared.seeds import derive
from shared.types.benchmark import BenchmarkAnswer
from shared.worker.child_process import ChildProcess, how_it_ended
from shared.worker.context import StepContext
from shared.worker.watching import run_watched

_LOOK_S = 0.2
_MOST_AT_ONCE = 128


def run(context: StepContext, engine: Engine, place: Place) -> ManifestRef:
    """The rows are the answers; the scores stand in the manifest, and the change against the base in the job's events.

    Raises InvalidInput for a task that lmms-eval does not know or that needs more than answers, SystemFault where it is
    not installed, lacks its data, left a sample without an answer or failed otherwise, and what the engine's requests
    raise."""
    place.check()
    with TemporaryDirectory(prefix="benchmark-") as folder:
        attempt = _Attempt(context, engine, place, Path(folder))
        run_watched(attempt.work, context.check, attempt.tell)
        results = attempt.results()
        return _deliver(context, results, attempt.counts)


class _Attempt:
    """One run of lmms-eval, its files below `scratch`."""

    def __init__(self, context: StepContext, engine: Engine, place: Place, scratch: Path) -> None:
        self._context, self._engine, self._place, self._scratch = context, engine, place, scratch
        self._expected = _asked_of_base(context)
        self._observed = Observed(context.task.step.value)
        self._said = scratch / "output.txt"
        self._status: int | None = None
        self._door: Door | None = None

    async def work(self) -> None:
        task = self._context.task
        async with (
            Chat(self._engine, self._observed) as chat,
            Door(chat, task.teacher, derive(task.seed, "benchmark")) as door,
        ):
            self._door = door
            child = self._start(door)
            try:
                while child.running(0):
                    door.check()
                    self._require_life(door)
                    await asyncio.sleep(_LOOK_S)
            finally:
                child.kill()
            door.check()
            self._status = child.status

    def _start(self, door: Door) -> ChildProcess:
        at_once = min(self._engine.in_flight, _MOST_AT_ONCE)
        config = config_of(_settings(self._context), self._place.folders, self._scratch, door.address, at_once)
        file = self._scratch / "config.json"
        file.write_text(json.dumps(config))
        environment = self._place.environment(self._scratch, door.address)
        return ChildProcess(self._place.command(file), environment, self._said, self._scratch)

    def _require_life(self, door: Door) -> None:
        if (quiet_s := door.quiet_s) > self._place.quiet_s:
            said = tail(self._said.read_text(errors="replace"))
            raise BenchmarkFailed(
                f"lmms-eval has asked nothing for {quiet_s:.0f} s; its last lines:\n{said}",
                remedy="See what it waits for, or raise SELFSYNTH_BENCHMARK_QUIET_S of the generation worker.",
            )

    def tell(self) -> None:
        """How many requests there will be is known from the base, which was asked the same."""
        done = self._door.answered if self._door else 0
        pace = {"requests": done, "tokens_per_s": round(self._observed.tokens_per_s, 1)}
        self._context.progress(min(done, self._expected), self._expected, pace)

    def results(self) -> Results:
        said = self._said.read_text(errors="replace")
        try:
            found = Results(self._scratch)
        except BenchmarkFailed:
            raise explained(said, how_it_ended(self._status)) from None
        assert self._door is not None
        found.check(said, self._door.answered, tells_usage=self._door.tells_usage)
        return found

    @property
    def counts(self) -> dict[str, float]:
        assert self._door is not None
        prompt, generated = self._door.tokens
        return {
            "requests": self._door.answered,
            "empty_answers": self._door.empty,
            "prompt_tokens": prompt,
            "completion_tokens": generated,
        }


def _deliver(context: StepContext, results: Results, counts: dict[str, float]) -> ManifestRef:
    scores, answers = results.scores(), list(results.answers())
    for key in context.task.inputs.get("base", ()):
        for change in changes(Benchmarked(scores=scores, answers=answers), read_benchmarked(context.store, key)):
            context.tell(f"general ability: {change}")
    writer = ArtefactWriter(context.store, context.task, BenchmarkAnswer)
    writer.put(0, answers)
    extra = {SCORES: [score.model_dump(mode="json") for score in scores], "lmms_eval": results.version}
    figures = {score.name: score.value for score in scores}
    return writer.finish(1, counts | {"samples": results.sample_count} | figures, extra)


def _settings(context: StepContext) -> BenchmarkSettings:
    settings = context.settings.benchmark
    assert settings is not None, "a job without benchmarks has no such step"
    return settings


def _asked_of_base(context: StepContext) -> int:
    """0 for the base itself."""
    keys = context.task.inputs.get("base", ())
    return int(sum(read_manifest(context.store, key).figures["requests"] for key in keys))
