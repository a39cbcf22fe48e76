"""What a benchmark of general ability leaves: a row a sample, and a score a task and metric. Pure."""

from pydantic import BaseModel, ConfigDict

from shared.types.records import Record


class BenchmarkAnswer(Record):
    """What the model answered to one sample of a task, read in one way (`filter`), and what each metric made of it.
    Metrics that give a sample no number are left out; `sample` is the task's own number."""

    task: str
    filter: str
    sample: str
    target: str
    answers: tuple[str, ...]
    metrics: tuple[str, ...]
    scores: tuple[float, ...]


class BenchmarkScore(BaseModel):
    """One figure of a task, or of a group of tasks. `filter` is how answers were read, `samples` how many there were
    (None: of a group). `stderr` is lmms-eval's, where it gives one."""

    model_config = ConfigDict(frozen=True)

    task: str
    metric: str
    filter: str
    value: float
    stderr: float | None = None
    samples: int | None = None
    higher_is_better: bool | None = None

    @property
    def name(self) -> str:
        """As figures are called; the usual filter goes without saying."""
        return f"{self.task}/{self.metric}" + ("" if self.filter == "none" else f",{self.filter}")
