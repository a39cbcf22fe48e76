import pytest

from services.api.accept import Accepted
from shared.artefacts import Manifest, ManifestRef


def summary(figures: dict[str, float]) -> str:
    manifest = Manifest(step_id="s", attempt=1, record="Prediction", fingerprint="", parts=(), figures=figures)
    return Accepted(ManifestRef(key="k", sha256=""), manifest).summary


@pytest.mark.parametrize(
    ("figures", "said"),
    [({"failed": 0.0, "pairs": 3.0}, "0 rows"), ({"test_failed": 1.0, "validation_failed": 1.0}, "0 rows, 2 of them")],
)
def test_events_say_how_many_answers_the_engine_never_gave(figures: dict[str, float], said: str) -> None:
    assert summary(figures).startswith(said)
    assert ("without an answer" in summary(figures)) == ("2 of them" in said)


def test_a_failed_candidate_that_was_rejected_for_it_is_counted_once() -> None:
    assert summary({"failed": 2.0, "rejected_failed": 2.0}) == "0 rows, 2 of them without an answer of the engine"


def test_events_say_how_many_images_are_left_out_for_want_of_a_description() -> None:
    assert "2 of the 9 training images left out" in summary({"examples": 9.0, "undescribed": 2.0})
    assert summary({"examples": 9.0, "undescribed": 0.0}) == "0 rows"


def test_events_say_how_many_pairs_are_fallbacks_and_how_many_were_left_out() -> None:
    told = summary({"pairs": 20.0, "fallbacks": 4.0, "rejected_fallback_capped": 9.0, "rejected_repeats": 3.0})
    assert "4 of the 20 QA pairs are fallbacks" in told
    assert "9 more fallbacks left out" in told
    assert "max_fallback_share" in told
    assert "3 answers rejected that repeat themselves" in told
    assert summary({"pairs": 20.0, "fallbacks": 0.0, "repeats": 0.0}) == "0 rows"
