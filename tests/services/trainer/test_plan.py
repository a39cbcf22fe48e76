import pytest

from services.trainer.plan import accumulation_of
from shared.job_settings import TrainSettings


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "expected"),
    [(32, None, 1, (32, 1)), (32, 8, 1, (8, 4)), (32, 5, 1, (4, 8)), (32, 64, 1, (32, 1)), (32, 8, 4, (8, 1))],
)
def test_micro_batches_make_up_the_batch(
    batch: int, micro: int | None, processes: int, expected: tuple[int, int]
) -> None:
    settings = TrainSettings(batch_size=batch, micro_batch_size=micro)
    assert accumulation_of(settings, processes) == expected
