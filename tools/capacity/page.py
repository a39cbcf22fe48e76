"""The tables of docs/capacity.md as Markdown, from estimates. Pure."""

from collections.abc import Iterable, Sequence

from shared.job_settings import JobSettings
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName, StepName
from tools.capacity.estimate import Estimate, estimate
from tools.capacity.rates import ASSUMED, Rates, rows_of
from tools.capacity.steps import Scale, Work, generation

# CUB's size on one GPU, that of a large product catalogue, and the paper exercise.
SCALES = {
    "12 k images, 1 GPU": Scale(11_788, 200, train_share=0.5),
    "12 k images, 8 GPUs": Scale(11_788, 200, train_share=0.5, engines=8, trainers=8),
    "100 k images, 8 GPUs": Scale(100_000, 1_000, engines=8, trainers=8, shards=4),
    "1 M images, 16 GPUs": Scale(1_000_000, 1_000, engines=16, trainers=16, selectors=2, shards=8),
    "1 M images, 100 GPUs": Scale(1_000_000, 1_000, engines=100, trainers=100, selectors=8, shards=32),
}
_ONE = Scale(2, 2, train_share=0.5)
_GENERATION, _TRAINING, _SELECTION = QueueName.GENERATION, QueueName.TRAINING, QueueName.SELECTION


def scales_table(settings: JobSettings, rates: Rates) -> str:
    """A column a scale."""
    found = {name: estimate(scale, settings, rates) for name, scale in SCALES.items()}
    return markdown(["", *found], _lines(list(found.values())))


def job_table(job: Estimate) -> str:
    """One job for a user's own numbers, and its steps."""
    return markdown(["", "this job"], _lines([job])) + "\n" + steps_table(job)


def steps_table(job: Estimate) -> str:
    """Each kind of step, all rounds together."""
    by_step: dict[str, list[Work]] = {}
    for work in job.works:
        by_step.setdefault(work.step.value, []).append(work)
    lines = []
    for step, group in by_step.items():
        seconds, alone = sum(w.seconds for w in group), sum(w.alone_s for w in group)
        cells = (
            f"{len(group)}",
            hours_told(seconds),
            _share(seconds, job.seconds),
            hours_told(alone),
            _number(sum(w.written_tokens for w in group)),
            _bytes(sum(w.stored_bytes for w in group)),
            _number(sum(w.parts for w in group)),
        )
        lines.append([f"`{step}`", *cells])
    head = ["step", "times", "hours", "share", "of these one process alone", "tokens written", "stored", "parts"]
    return markdown(head, lines)


def limits_table(rates: Rates) -> str:
    """What one process of each kind stands, whatever the scale."""
    texts, looks, many = rates.encoded_texts_per_s, rates.look_cpu_ms, rates.look_of_1000_shards_cpu_ms
    lines = [
        ["running jobs that one coordinator looks at every second", "1000 / `look_cpu_ms`", _number(1000 / looks)],
        ["the same, with 1,000 shards each", "1000 / `look_of_1000_shards_cpu_ms`", _number(1000 / many)],
        ["descriptions that one selector takes in an hour", "3600 `encoded_texts_per_s`", _number(3600 * texts)],
        ["parts that a worker reads in a second", "8 / `get_s`", _number(8 / rates.get_s)],
        [
            "images that a trainer fetches in a second",
            "`gets_at_once` / `get_s`",
            _number(rates.gets_at_once / rates.get_s),
        ],
        [
            "images that an engine GPU describes in an hour",
            "with the default settings",
            _number(3600 / generation(StepName.DESCRIBE, _ONE, JobSettings(), rates).gpu_s),
        ],
    ]
    return markdown(["what", "formula", "value"], lines)


def rates_table(rates: Rates) -> str:
    lines = [
        [f"`{name}`", _plain(value), meaning, f"**{source}**" if source == ASSUMED else source]
        for name, value, meaning, source in rows_of(rates)
    ]
    return markdown(["rate", "value", "meaning", "from"], lines)


def _lines(jobs: Sequence[Estimate]) -> list[list[str]]:
    """Name first, then a cell a job."""
    return [
        ["images to train on", *(_number(j.scale.train_images) for j in jobs)],
        ["images to measure by", *(_number(j.scale.held_out) for j in jobs)],
        ["GPUs of engine, training, selection; shards", *(_gpus(j.scale) for j in jobs)],
        ["classes, rounds", *(f"{_number(j.scale.classes)}, {j.scale.rounds}" for j in jobs)],
        ["**hours in all**", *(f"**{hours_told(j.seconds)}**" for j in jobs)],
        ["hours of generation", *(hours_told(j.seconds_of(_GENERATION)) for j in jobs)],
        ["hours of selection", *(hours_told(j.seconds_of(_SELECTION)) for j in jobs)],
        ["hours of training", *(hours_told(j.seconds_of(_TRAINING)) for j in jobs)],
        ["of these, one process works alone", *(hours_told(j.alone_s) for j in jobs)],
        ["selection's comparisons on one CPU thread instead", *(hours_told(j.selection_cpu_s) for j in jobs)],
        ["GPU hours: generation, training", *(_pair(j, _GENERATION, _TRAINING) for j in jobs)],
        ["tokens written", *(_number(j.written_tokens) for j in jobs)],
        ["ingest before it, 16 processes", *(hours_told(j.ingest_s) for j in jobs)],
        ["images stored", *(_bytes(j.image_bytes) for j in jobs)],
        ["artefacts stored", *(_bytes(j.artefact_bytes) for j in jobs)],
        ["objects", *(_number(j.objects) for j in jobs)],
        ["rows in Postgres", *(_number(j.rows) for j in jobs)],
        ["memory of the selector, of a training process", *(_memory(j) for j in jobs)],
        ["longest step", *(_longest(j) for j in jobs)],
    ]


def _gpus(scale: Scale) -> str:
    return f"{scale.engines}, {scale.trainers}, {scale.selectors}; {scale.shards}"


def _pair(job: Estimate, *queues: QueueName) -> str:
    return ", ".join(hours_told(job.gpu_s_of(queue)) for queue in queues)


def _memory(job: Estimate) -> str:
    return ", ".join(_bytes(job.memory_bytes[queue]) for queue in (_SELECTION, _TRAINING))


def _longest(job: Estimate) -> str:
    work = max(job.works, key=lambda work: work.seconds)
    return f"`{work.step.value}` ({_share(work.seconds, job.seconds)}, {QUEUE_OF_STEP[work.step].value})"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}"


def hours_told(seconds: float) -> str:
    return f"{_two(seconds / 3600)} h" if seconds >= 360 else f"{_two(seconds / 60)} min"


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{_two(count / size)} {unit}"
    return f"{count / 1e3:.0f} kB"


def _number(count: float) -> str:
    for unit, size in (("billion", 1e9), ("million", 1e6)):
        if count >= size:
            return f"{_two(count / size)} {unit}"
    return f"{float(f'{count:.3g}'):,.0f}"


def _two(value: float) -> str:
    """Two digits that count: the inputs are no better."""
    return f"{float(f'{value:.2g}'):,g}"


def _plain(value: float) -> str:
    return f"{value:.3g}" if value >= 1e6 else f"{float(f'{value:.4g}'):,g}"


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
