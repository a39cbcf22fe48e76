"""What moves a job's hours, and what does not: the same estimates with one thing done otherwise. Pure."""

from dataclasses import dataclass, field, replace

from shared.job_settings import resolve
from tools.capacity.estimate import estimate
from tools.capacity.page import SCALES, hours_told, markdown
from tools.capacity.rates import Rates
from tools.capacity.steps import Scale


@dataclass(frozen=True)
class Change:
    """One thing done otherwise: a field of the scale that is doubled, other rounds, settings, or rates (by factors)."""

    name: str
    doubled: str = ""
    rounds: int = 4
    settings: dict[str, dict[str, int]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def hours(self, scale: Scale, rates: Rates) -> str:
        more = {self.doubled: 2 * getattr(scale, self.doubled)} if self.doubled else {}
        other = {name: factor * getattr(rates, name) for name, factor in self.rates.items()}
        settings = resolve("default", dict(self.settings))
        job = estimate(replace(scale, rounds=self.rounds, **more), settings, rates.with_changes(other))
        return hours_told(job.seconds)


CHANGES = (
    Change("as above"),
    Change("twice the engines", doubled="engines"),
    Change("twice the GPUs that train", doubled="trainers"),
    Change("twice the selectors", doubled="selectors"),
    Change("half as many descriptions an image", settings={"describe": {"samples": 5}}),
    Change("4 questions an image", settings={"synthesise": {"questions": 4}, "answer": {"questions": 4}}),
    Change("a batch of 256 pairs", settings={"train": {"batch_size": 256}}),
    Change("a batch of 1,024 pairs", settings={"train": {"batch_size": 1024}}),
    Change("1 epoch", settings={"train": {"epochs": 1}}),
    Change("2 rounds", rounds=2),
    Change("engines half as fast as assumed", rates={"decode_tokens_per_s": 0.5, "prefill_tokens_per_s": 0.5}),
    Change("training half as fast as assumed", rates={"mfu": 0.5}),
    Change("an encoder three times as fast", rates={"encoded_texts_per_s": 3}),
    Change("ids made three times as fast", rates={"tokenised_pairs_per_s": 3}),
)


def changes_table(rates: Rates) -> str:
    """Hours in all of a job with the default settings, a column a scale."""
    lines = [[change.name, *(change.hours(scale, rates) for scale in SCALES.values())] for change in CHANGES]
    return markdown(["change", *SCALES], lines)
