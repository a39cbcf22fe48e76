"""What the step tells the subprocess that merges, and what that answers. Knows no tensors."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shared.types.export import Dtype


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MergePlan(_Note):
    """`adapter` holds the adapter's files and its probes, `images` the probes' images by the last part of their key."""

    folder: Path
    model_path: Path
    adapter: Path
    images: Path
    dtype: Dtype = "base"
    threads: int = 1

    @property
    def file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def merged(self) -> Path:
        return self.folder / "merged"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def error(self) -> Path:
        return self.folder / "error.json"

    @property
    def stderr(self) -> Path:
        return self.folder / "stderr.txt"


class Comparison(_Note):
    """Distances of log-probabilities, in nats, over `places` of the probes' answers and the tokens likeliest there.

    `mean` and `largest` are between base + adapter and the merged model, `base` (a mean) between base + adapter and
    the base alone; `kept_in` is the dtype of the merged weights, `device` where both were asked, in float32.
    """

    places: int
    mean: float
    largest: float
    base: float
    kept_in: str
    device: str
