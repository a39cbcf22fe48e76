"""Manifests that nobody could render are not passed over in silence."""

from pathlib import Path

import pytest

from tests.k8s.rendering import render


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_kubectl_tests_are_skipped_and_fail_where_all_must_run(
    ci: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="neither kubectl nor kustomize"):
        render(tmp_path)
