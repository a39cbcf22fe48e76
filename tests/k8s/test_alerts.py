"""The alerts, put to Prometheus' own tool: each fires at what it is for, and leaves the rest alone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.k8s.rendering import K8S, ROOT
from tools.dashboard import PANELS

RULES = yaml.safe_load((K8S / "components" / "monitoring" / "rules.yaml").read_text())["spec"]["groups"]
CASES = yaml.safe_load((Path(__file__).parent / "alerts.yaml").read_text())
ALERTS = {rule["alert"]: rule for group in RULES for rule in group["rules"]}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool") or shutil.which("promtool", path=str(ROOT / ".venv" / "bin"))
    if found is None:
        pytest.skip("NOT CHECKED: no promtool (tools/install_promtool.sh could not get it), so no alert was tried")
    return found


def _run(folder: Path, *command: str) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_fires_when_it_should_and_not_before(promtool: str, tmp_path: Path) -> None:
    """Without their words, which promtool would compare too."""
    bare = [{**g, "rules": [{k: v for k, v in r.items() if k != "annotations"} for r in g["rules"]]} for g in RULES]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": bare}))
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], **CASES}))
    _run(tmp_path, promtool, "test", "rules", "cases.yaml")


def test_prometheus_understands_every_rule_with_its_words_and_every_panel(promtool: str, tmp_path: Path) -> None:
    panels = [query for row in PANELS.values() for panel in row for query, _ in panel.queries]
    recorded = [{"record": f"panel_{k}", "expr": query} for k, query in enumerate(panels)]
    groups = [*RULES, {"name": "panels", "rules": recorded}]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    _run(tmp_path, promtool, "check", "rules", "rules.yaml")


def test_every_alert_is_tried_and_told_of_in_the_docs() -> None:
    expectations = [each for case in CASES["tests"] for each in case["alert_rule_test"]]
    assert {each["alertname"] for each in expectations if each.get("exp_alerts")} == set(ALERTS)
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE)
    assert headings == list(ALERTS)
