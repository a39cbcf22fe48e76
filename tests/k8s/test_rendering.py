"""Manifests that nobody could render are not passed over in silence."""

from pathlib import Path

import pytest

from tests.k8s.rendering import render


def test_without_kubectl_tests_are_skipped_and_that_is_said_past_the_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="neither kubectl nor kustomize"):
        render(tmp_path)
    assert f"{tmp_path.name} of k8s/ was NOT checked" in capfd.readouterr().err
