"""A whole job out of its steps: they come one after the other, so that its hours are their sum. Pure."""

from dataclasses import dataclass

from services.api.rounds import Chosen, plan, shards_of
from shared.job_settings import JobSettings
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName
from tools.capacity.rates import Rates
from tools.capacity.steps import Scale, Work, adapter_bytes, compared_pairs, generation, selection, training

_EVENTS_AN_ATTEMPT = 4  # queued, started, ended, and one that tells something


def works(scale: Scale, settings: JobSettings, rates: Rates) -> list[Work]:
    """All steps of the job in order."""
    found = []
    for at in plan("tuning", scale.rounds, Chosen(refreshes=settings.select_concepts.refresh)):
        if QUEUE_OF_STEP[at.step] == QueueName.GENERATION:
            found.append(generation(at.step, scale, settings, rates))
        elif QUEUE_OF_STEP[at.step] == QueueName.SELECTION:
            found.append(selection(at.step, scale, settings, rates))
        else:
            found.append(training(at.round, scale, settings, rates))
    return found


@dataclass(frozen=True)
class Estimate:
    """A whole job. `ingest_s` comes before it, once a data set."""

    scale: Scale
    settings: JobSettings
    rates: Rates
    works: tuple[Work, ...]

    @property
    def seconds(self) -> float:
        return sum(work.seconds for work in self.works)

    def seconds_of(self, queue: QueueName) -> float:
        return sum(work.seconds for work in self.works if QUEUE_OF_STEP[work.step] == queue)

    def gpu_s_of(self, queue: QueueName) -> float:
        return sum(work.gpu_s for work in self.works if QUEUE_OF_STEP[work.step] == queue)

    @property
    def alone_s(self) -> float:
        """What remains however many GPUs there are."""
        return sum(work.alone_s for work in self.works)

    @property
    def selection_cpu_s(self) -> float:
        """Of one CPU thread for the comparisons alone, where no GPU does them."""
        pairs = sum(
            compared_pairs(work.step, self.scale, self.settings, self.rates)
            for work in self.works
            if QUEUE_OF_STEP[work.step] == QueueName.SELECTION
        )
        return pairs / 1e9 * self.rates.cpu_s_a_billion_pairs

    @property
    def ingest_s(self) -> float:
        return self.scale.images / (self.rates.ingested_images_per_s * self.scale.data_processes)

    @property
    def written_tokens(self) -> float:
        return sum(work.written_tokens for work in self.works)

    @property
    def image_bytes(self) -> float:
        return self.scale.images * self.rates.image_bytes

    @property
    def artefact_bytes(self) -> float:
        """With the adapters, and two checkpoints (weights and both moments of Adam) of the round in training."""
        checkpoints = 2 * 3 * adapter_bytes(self.settings, self.rates)
        return sum(work.stored_bytes for work in self.works) + checkpoints

    @property
    def objects(self) -> int:
        return self.scale.images + sum(work.parts + 1 for work in self.works)

    @property
    def rows(self) -> int:
        """In Postgres: steps, attempts, artefacts, progress and events."""
        settings = self.settings.model_copy(update={"shards": self.scale.shards})
        shards = sum(shards_of(work.step, settings) for work in self.works)
        return shards * (4 + _EVENTS_AN_ATTEMPT)

    @property
    def memory_bytes(self) -> dict[QueueName, float]:
        """The most that one process of the queue holds, for those where it grows with the images."""
        return {
            queue: max(work.memory_bytes for work in self.works if QUEUE_OF_STEP[work.step] == queue)
            for queue in (QueueName.SELECTION, QueueName.TRAINING)
        }


def estimate(scale: Scale, settings: JobSettings, rates: Rates) -> Estimate:
    return Estimate(scale, settings, rates, tuple(works(scale, settings, rates)))
