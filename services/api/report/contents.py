"""What a report holds: the JSON that users get, and what the pages are made of. Pure."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from shared.errors import ErrorReport
from shared.scoring.benchmark import BenchmarkChange
from shared.scoring.statistics.bootstrap import Estimate
from shared.scoring.statistics.calibration import Calibration
from shared.scoring.statistics.confusion import ClassRow
from shared.types.encoders import EncoderFacts
from shared.types.records import Split, SuspectLabel


class SplitFigures(BaseModel):
    """Of the answers about one split; shares are in [0, 1]. Intervals are 95% bootstrap ones, `accuracy_wilson` is
    Wilson's. `substring_accuracy` is the published rule; `failed` counts questions that the engine never answered."""

    images: int
    failed: int
    accuracy: Estimate
    accuracy_wilson: tuple[float, float]
    balanced_accuracy: Estimate
    macro_f1: Estimate
    substring_accuracy: float
    names_none: float
    names_several: float
    repetition_rate: float
    cut_off_rate: float
    words: float
    """Mean length of the answers."""

    def shown_accuracy(self) -> Estimate:
        """With Wilson's interval at 0 and 1, where the bootstrap's has no width and would claim certainty."""
        if self.accuracy.low < self.accuracy.high:
            return self.accuracy
        return Estimate(self.accuracy.value, *self.accuracy_wilson)


class Confusion(BaseModel):
    """`cells` are [place in `labels`, place in `columns`, count], those above 0 only."""

    labels: list[str]
    columns: list[str]
    cells: list[tuple[int, int, int]]


class Comparison(BaseModel):
    """With an earlier round, on the test images that both answered. `difference` is of the accuracies; `p_exact` and
    `p_mid` are McNemar's. `grouped`: images belong to groups, for which only the interval of the difference allows."""

    round: int
    images: int
    gained: int
    lost: int
    difference: Estimate
    p_exact: float
    p_mid: float
    grouped: bool


class RoundStatistics(BaseModel):
    """All that follows from the predictions of a round and the one before. Classes are those of the test split."""

    test: SplitFigures | None = None
    validation: SplitFigures | None = None
    classes: list[ClassRow] = []
    confusion: Confusion | None = None
    calibration: dict[Split, Calibration] = {}
    against_previous: Comparison | None = None


class StepCost(BaseModel):
    """`seconds` from the first start to the last end; `worker_seconds` of all attempts at all shards together, those
    that were lost included; `figures` as the step left them."""

    step: str
    status: str
    seconds: float | None
    worker_seconds: float
    attempts: int
    shards: int
    figures: dict[str, float]


class LossCurve(BaseModel):
    """At most some hundred points (optimiser step, loss)."""

    points: list[tuple[int, float]]


class RoundReport(BaseModel):
    """`selection` and `explanation` hold shares and means, by name; `benchmark` general ability, by task and metric."""

    round: int
    adapter: str | None
    statistics: RoundStatistics | None
    selection: dict[str, float]
    explanation: dict[str, float]
    benchmark: list[BenchmarkChange] = []
    loss: LossCurve | None
    steps: list[StepCost]


class ExampleReport(BaseModel):
    """A test image with what was said of it. `image` is a small JPEG as a data URI, None where it is gone; `before` is
    the answer of the round before, for images whose verdict changed."""

    kind: Literal["best", "worst", "gained", "lost"]
    round: int
    example_id: str
    href: str
    image: str | None
    label: str
    predicted: str
    answer: str
    before: str | None
    concepts: list[str]


class ArtefactLine(BaseModel):
    round: int
    step: str
    shard: int
    key: str
    sha256: str
    rows: int


class AdapterLine(BaseModel):
    round: int
    name: str
    prefix: str
    sha256: str


class EncoderLine(EncoderFacts):
    """The text encoder by which a round's step scored."""

    round: int
    step: str


class Lineage(BaseModel):
    """Where everything comes from: with the settings and the seed, enough to make it again."""

    dataset: dict[str, Any]
    concept_bank: dict[str, Any]
    encoders: list[EncoderLine] = []
    artefacts: list[ArtefactLine]
    adapters: list[AdapterLine]


class Report(BaseModel):
    """`is_final`: the job is over, the report will not change. `best_round` is chosen on the validation split.
    `suspect_labels` are training images that a person should look at, the most suspect first. `changed_settings` are
    those that differ from the method's own, by dotted name."""

    job: str
    status: str
    is_final: bool
    ended: str | None
    error: ErrorReport | None
    model: str
    method: str
    seed: int
    created_at: datetime
    made_at: datetime
    seconds: float | None
    worker_seconds: float
    warnings: list[str]
    best_round: int | None
    rounds: list[RoundReport]
    examples: list[ExampleReport]
    suspect_labels: list[SuspectLabel] = []
    settings: dict[str, Any]
    changed_settings: dict[str, Any]
    metadata: dict[str, str]
    lineage: Lineage
