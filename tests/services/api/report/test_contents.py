"""What the pages show of the figures, without a job."""

import pytest

from services.api.report.contents import SplitFigures
from shared.scoring.statistics.bootstrap import Estimate


@pytest.mark.parametrize(
    ("bootstrap", "shown"),
    [
        (Estimate(0.0, 0.0, 0.0), Estimate(0.0, 0.0, 0.299)),
        (Estimate(0.5, 0.2, 0.8), Estimate(0.5, 0.2, 0.8)),
    ],
)
def test_an_accuracy_whose_bootstrap_has_no_width_is_shown_with_wilsons_interval(
    bootstrap: Estimate, shown: Estimate
) -> None:
    figures = SplitFigures(
        images=9,
        failed=0,
        accuracy=bootstrap,
        accuracy_wilson=(0.0, 0.299),
        balanced_accuracy=bootstrap,
        macro_f1=bootstrap,
        substring_accuracy=0,
        names_none=1,
        names_several=0,
        repetition_rate=0,
        cut_off_rate=0,
        words=32,
    )
    assert figures.shown_accuracy() == shown
