import numpy as np
import pytest
from sklearn.metrics import log_loss

from shared.scoring.statistics.calibration import calibration, probabilities


def likelihoods(confidence: float, images: int) -> np.ndarray:
    return np.log(np.tile([confidence, 1 - confidence], (images, 1)))


def test_probabilities_that_hold_are_calibrated() -> None:
    found = calibration(likelihoods(0.8, 10), [0] * 8 + [1] * 2)
    assert found is not None
    assert (found.accuracy, found.confidence, found.ece) == (0.8, pytest.approx(0.8), pytest.approx(0.0))
    assert found.brier == pytest.approx(2 * 0.16)


def test_a_model_that_is_too_sure_has_the_gap_as_its_error() -> None:
    found = calibration(likelihoods(0.95, 10), [0] * 5 + [1] * 5)
    assert found is not None
    assert found.ece == pytest.approx(0.45)
    [filled] = [each for each in found.bins if each.count]
    assert (filled.low, filled.high, filled.accuracy) == (0.9, 1.0, 0.5)


def test_log_loss_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    values, truth = generator.normal(size=(50, 4)) * 3, generator.integers(4, size=50)
    found = calibration(values, truth.tolist())
    assert found is not None
    assert found.log_loss == pytest.approx(log_loss(truth, probabilities(values), labels=range(4)), rel=1e-6)
    assert sum(each.count for each in found.bins) == found.images == 50


def test_only_differences_of_log_likelihoods_matter() -> None:
    values = np.array([[-1000.0, -1001.0], [-3.0, -2.0]])
    assert probabilities(values) == pytest.approx(probabilities(values + 500))
    assert calibration(values - 1e4, [0, 1]) == calibration(values, [0, 1])


def test_of_no_images_there_is_no_calibration() -> None:
    assert calibration(np.zeros((0, 3)), []) is None


@pytest.mark.parametrize("confidence", [0.0, 1e-30, 0.1, 0.5, 1.0])
def test_every_confidence_falls_into_a_bin(confidence: float) -> None:
    with np.errstate(divide="ignore"):
        values = likelihoods(confidence, 1)
    found = calibration(values, [0])
    assert found is not None
    assert sum(each.count for each in found.bins) == 1
