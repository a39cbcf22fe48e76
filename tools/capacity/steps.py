"""From images, classes and settings to the tokens, GPU seconds, bytes and rows of one step of one round. Pure; every
formula of a step is here."""

import math
from dataclasses import dataclass

from shared.job_settings import JobSettings
from shared.types.lifecycle import StepName
from tools.capacity.rates import Rates


@dataclass(frozen=True)
class Scale:
    """`images` of all splits; `train_share` of them are trained on, the others are what each round is measured by.
    `engines`, `trainers` and `selectors` are GPUs, `data_processes` look at images in ingest. Steps over images are cut
    into `shards`."""

    images: int
    classes: int
    concepts: int = 40
    rounds: int = 4
    train_share: float = 0.7
    engines: int = 1
    trainers: int = 1
    selectors: int = 1
    data_processes: int = 16
    shards: int = 1

    @property
    def train_images(self) -> int:
        return round(self.images * self.train_share)

    @property
    def held_out(self) -> int:
        return self.images - self.train_images


@dataclass(frozen=True)
class Work:
    """One step of one round. `seconds` are wall-clock ones with the scale's GPUs; `alone_s` those of them in which one
    process works and no further machine helps."""

    step: StepName
    written_tokens: float = 0.0
    read_tokens: float = 0.0
    gpu_s: float = 0.0
    seconds: float = 0.0
    alone_s: float = 0.0
    rows: float = 0.0
    stored_bytes: float = 0.0
    parts: int = 0
    memory_bytes: float = 0.0


@dataclass(frozen=True)
class Requests:
    """What a generation step asks about one image: so many requests, each for `samples` answers of `tokens`."""

    requests: float
    samples: float
    tokens: float

    @property
    def answers(self) -> float:
        return self.requests * self.samples


def requests_of(step: StepName, settings: JobSettings, rates: Rates) -> Requests:
    """The mean over images. Told answers and further tries count as requests."""
    describe, synthesise, answer = settings.describe, settings.synthesise, settings.answer
    limit = {StepName.SYNTHESISE: synthesise.max_tokens, StepName.ANSWER: answer.max_tokens}.get(step, 10**6)
    tokens = min(rates.answer_tokens, limit)
    if step == StepName.DESCRIBE:
        return Requests(describe.instructions, describe.samples, min(rates.describe_tokens, describe.max_tokens))
    if step == StepName.SYNTHESISE:
        return Requests(synthesise.questions * min(rates.tries, 1 + synthesise.resamples), 1, tokens)
    if step == StepName.ANSWER:
        told = rates.told_share if answer.rationalise else 0
        return Requests(answer.questions * (1 + told), (answer.samples + told) / (1 + told), tokens)
    return Requests(1, 1, min(rates.answer_tokens, settings.evaluate.max_tokens))


def generation(step: StepName, scale: Scale, settings: JobSettings, rates: Rates) -> Work:
    """An image's tokens are read once, since its requests go to one replica and its prefix is cached; the texts of all
    its requests are read each. Engines work in parallel, up to the shards' workers having enough requests open."""
    images = scale.held_out if step == StepName.EVALUATE else scale.train_images
    asked = requests_of(step, settings, rates)
    written = images * asked.answers * asked.tokens
    read = images * (rates.image_tokens + asked.requests * rates.text_tokens)
    gpu_s = (written / rates.decode_tokens_per_s + read / rates.prefill_tokens_per_s) / rates.step_share_of_offline
    rows = images * asked.answers
    return Work(
        step=step,
        written_tokens=written,
        read_tokens=read,
        gpu_s=gpu_s,
        seconds=gpu_s / scale.engines,
        rows=rows,
        stored_bytes=written * rates.bytes_a_token + rows * rates.bytes_a_row,
        parts=math.ceil(images / settings.examples_per_part),
    )


def selection(step: StepName, scale: Scale, settings: JobSettings, rates: Rates) -> Work:
    """A process on one GPU embeds each text and compares it with concepts. Of answers each shard decides alone; one
    process does the descriptions, which may be negatives of each other."""
    images = scale.train_images
    texts = texts_of(step, scale, settings, rates)
    pairs = compared_pairs(step, scale, settings, rates)
    seconds = texts / rates.encoded_texts_per_s + pairs / 1e9 * rates.gpu_s_a_billion_pairs
    at_once = 1 if step == StepName.SELECT_CONCEPTS else min(scale.selectors, scale.shards)
    rows = images * scale.concepts if step == StepName.SELECT_CONCEPTS else texts
    text_bytes = 0 if step == StepName.SELECT_CONCEPTS else texts * rates.answer_tokens * rates.bytes_a_token
    kept = rates.logits_bytes_an_image if step == StepName.SELECT_CONCEPTS else rates.concepts_bytes_an_image
    cached = _clause_cache_bytes(texts, settings, rates) if step == StepName.SELECT_CONCEPTS else 0
    return Work(
        step=step,
        gpu_s=seconds,
        seconds=seconds / at_once,
        alone_s=seconds if step == StepName.SELECT_CONCEPTS else 0,
        rows=rows,
        stored_bytes=rows * rates.bytes_a_row + text_bytes,
        parts=math.ceil(images / settings.examples_per_part),
        memory_bytes=images * (rates.example_bytes + kept) + cached,
    )


def _clause_cache_bytes(texts: float, settings: JobSettings, rates: Rates) -> float:
    """Clauses that stay embedded, since a model says them again: at most 50,000, each 1,024 float32."""
    if settings.select_concepts.evidence != "clause":
        return 0
    return min(texts * rates.clauses_a_description, 50_000) * 1_024 * 4


def texts_of(step: StepName, scale: Scale, settings: JobSettings, rates: Rates) -> float:
    """What a selection step reads: descriptions or answers."""
    before = StepName.DESCRIBE if step == StepName.SELECT_CONCEPTS else StepName.ANSWER
    return scale.train_images * requests_of(before, settings, rates).answers


def compared_pairs(step: StepName, scale: Scale, settings: JobSettings, rates: Rates) -> float:
    """Text x concept: each text with the concepts of all classes, or each clause with those of its image's class, and
    with the others' where labels are doubted."""
    texts, chosen = texts_of(step, scale, settings, rates), settings.select_concepts
    if step == StepName.SELECT_CONCEPTS and chosen.evidence == "clause":
        classes = 1 if chosen.doubt_share is None else scale.classes
        return texts * rates.clauses_a_description * classes * scale.concepts
    return texts * scale.classes * scale.concepts


def pairs_of(round_: int, scale: Scale, settings: JobSettings, rates: Rates) -> float:
    questions = settings.synthesise.questions if round_ == 1 else settings.answer.questions
    return scale.train_images * questions * rates.pair_share


def training(round_: int, scale: Scale, settings: JobSettings, rates: Rates) -> Work:
    """FLOPs of the tokens over what the GPUs reach, and after each optimiser step the gradients' way around them all.

    Before it begins each process makes ids of all pairs, and one fetches all images. A batch is shared out: GPUs beyond
    its pairs have nothing to do, and where a GPU's share is less than an image's pairs, fewer are packed together.
    """
    pairs, batch = pairs_of(round_, scale, settings, rates), settings.train.batch_size
    used = min(scale.trainers, batch)
    packed = min(pairs / scale.train_images, batch / used)
    tokens = pairs * settings.train.epochs * tokens_a_pair(packed, settings, rates)
    computed_s = tokens * rates.flops_a_parameter * rates.parameters / (rates.gpu_tflops * 1e12 * rates.mfu) / used
    steps = math.ceil(pairs * settings.train.epochs / batch)
    exchanged_s = steps * 2 * (used - 1) / used * adapter_bytes(settings, rates) / rates.exchanged_bytes_per_s
    images = scale.train_images
    fetch_s = max(images * rates.get_s / rates.gets_at_once, images * rates.image_bytes / rates.store_bytes_per_s)
    alone_s = fetch_s + pairs / rates.tokenised_pairs_per_s
    seconds = computed_s + exchanged_s + alone_s
    return Work(
        step=StepName.TRAIN,
        read_tokens=tokens,
        gpu_s=seconds * scale.trainers,
        seconds=seconds,
        alone_s=alone_s,
        rows=steps,
        stored_bytes=adapter_bytes(settings, rates) + steps * rates.bytes_a_row,
        parts=1,
        # A pair as a row, as ids and in the order: about 6 KB in each process.
        memory_bytes=pairs * 6_000,
    )


def tokens_a_pair(packed: float, settings: JobSettings, rates: Rates) -> float:
    """An image's tokens are shared by the pairs that are packed together. The measured speed-up over the ideal one at
    the bench's shape (8 pairs of 100 tokens) tells what packing costs."""
    own = rates.text_tokens + rates.answer_tokens
    if settings.train.packing == "off":
        return rates.image_tokens + own
    ideal_of_bench = 8 * (576 + 100) / (576 + 8 * 100)
    cost = ideal_of_bench / rates.packed_speedup
    return (rates.image_tokens / packed + own) * (cost if packed > 1 else 1)


def adapter_bytes(settings: JobSettings, rates: Rates) -> float:
    """float32, as it is delivered."""
    return settings.train.lora_rank * rates.lora_parameters_a_rank * 4
