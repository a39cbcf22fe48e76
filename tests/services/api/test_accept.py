import pytest

from services.api.accept import Accepted
from shared.artefacts import Manifest, ManifestRef


@pytest.mark.parametrize(
    ("figures", "said"),
    [({"failed": 0.0, "pairs": 3.0}, "0 rows"), ({"test_failed": 1.0, "validation_failed": 1.0}, "0 rows, 2 of them")],
)
def test_events_say_how_many_answers_the_engine_never_gave(figures: dict[str, float], said: str) -> None:
    manifest = Manifest(step_id="s", attempt=1, record="Prediction", fingerprint="", parts=(), figures=figures)
    summary = Accepted(ManifestRef(key="k", sha256=""), manifest).summary
    assert summary.startswith(said)
    assert ("without an answer" in summary) == ("2 of them" in said)
