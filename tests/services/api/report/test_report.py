"""A job's report on real servers: of one that runs, that is done, that failed; in each form."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from selfsynth.cli import main
from shared.errors import ErrorReport
from tests.services.api.conftest import KEY, Stack, wait_for
from tests.services.api.fake_worker import ENCODER


@pytest.fixture(scope="module")
def stack(standing: Stack) -> Stack:
    return standing


@pytest.fixture(scope="module")
def job(stack: Stack, known: str) -> str:
    made = stack.job(known, rounds=2, settings={"train": {"lora_rank": 8}}, metadata={"team": "<x>"})
    stack.play_until(lambda: stack.get(f"/jobs/{made['id']}")["is_terminal"])
    return str(made["id"])


@pytest.fixture(scope="module")
def report(stack: Stack, job: str) -> Any:
    return stack.get(f"/jobs/{job}/report")


def text(stack: Stack, path: str, accept: str = "*/*") -> tuple[str, str]:
    response = stack.client.get(path, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    return response.headers["content-type"], response.text


def test_each_round_is_measured_with_intervals_and_compared_with_the_one_before(report: Any) -> None:
    base, first, second = report["rounds"]
    test = base["statistics"]["test"]
    assert (test["images"], test["accuracy"]["value"], test["names_none"]) == (4, 0.25, 0.75)
    assert test["accuracy"]["low"] <= 0.25 <= test["accuracy"]["high"]
    assert base["statistics"]["against_previous"] is None
    against = second["statistics"]["against_previous"]
    assert (against["round"], against["gained"], against["lost"], against["p_mid"]) == (1, 1, 0, 0.5)
    assert first["statistics"]["test"]["accuracy"]["value"] == 0.5
    assert [row["label"] for row in first["statistics"]["classes"]] == ["blue wren", "red finch"]
    assert sum(count for _, _, count in first["statistics"]["confusion"]["cells"]) == 4


def test_selection_loss_cost_settings_and_lineage_are_told(stack: Stack, job: str, report: Any) -> None:
    first = report["rounds"][1]
    assert first["selection"]["questions_with_a_pair"] == 0.8
    assert first["loss"]["points"] == [[1, 0.5]]
    train = next(step for step in first["steps"] if step["step"] == "train")
    assert (train["status"], train["attempts"]) == ("succeeded", 1)
    assert 0 < train["worker_seconds"] <= report["worker_seconds"]
    assert report["changed_settings"] == {"train.lora_rank": 8}
    lineage = report["lineage"]
    assert [line["name"] for line in lineage["adapters"]] == [f"{job}-r1", f"{job}-r2"]
    assert len(lineage["artefacts"]) == 10
    assert stack.parts.store.get(lineage["artefacts"][0]["key"])
    assert lineage["concept_bank"]["version"] == 1


def test_the_encoder_that_scored_is_named_in_every_form(stack: Stack, job: str, report: Any) -> None:
    lines = report["lineage"]["encoders"]
    assert [(line.pop("round"), line.pop("step")) for line in lines] == [(1, "select_concepts"), (2, "select_answers")]
    assert lines == [ENCODER.model_dump()] * 2
    page, markdown = (text(stack, f"/jobs/{job}/report?format={form}")[1] for form in ("html", "md"))
    assert 'encoder <code>models/&lt;own&gt;</code> (before every text <code>"query: "</code>, identity' in page
    assert 'encoder models/\\<own\\> (before every text `"query: "`, identity `0123456789ab`).' in markdown


def test_explanations_and_calibration_are_told_of_each_round(report: Any) -> None:
    told = {"citing_share": 0.75, "own_class_share": 0.5, "concepts_an_answer": 1.5}
    assert [entry["explanation"] for entry in report["rounds"]] == [told] * 3
    found = [entry["statistics"]["calibration"] for entry in report["rounds"]]
    assert [set(each) for each in found] == [{"test", "validation"}] * 3
    tests = [each["test"] for each in found]
    assert [(each["images"], each["accuracy"]) for each in tests] == [(4, 0.25), (4, 0.5), (4, 0.75)]
    assert [each["ece"] for each in tests] == pytest.approx([0.6, 0.35, 0.1])
    assert [b["count"] for b in tests[0]["bins"]] == [0] * 8 + [4, 0]


def test_explanations_have_a_table_and_calibration_a_plot(stack: Stack, job: str) -> None:
    page = text(stack, f"/jobs/{job}/report?format=html")[1]
    assert "Calibration: share that is right" in page
    assert "probability of the likeliest class" in page
    [table] = re.findall(r"<h2>Explanations</h2>\s*<div class=\"wide\"><table>(.*?)</table>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t", row) for row in table.split("<tr>")[1:]]
    assert cells[:2] == [["", "base", "round 1", "round 2"], ["citing share", "0.75", "0.75", "0.75"]]
    assert [row[0] for row in cells[2:]] == ["own class share", "concepts an answer"]
    lines = text(stack, f"/jobs/{job}/report?format=md")[1].splitlines()
    at = lines.index("## Explanations")
    assert "| own class share | 0.5 | 0.5 | 0.5 |" in lines[at : at + 8]


def test_examples_come_with_small_images_and_the_answer_before(report: Any) -> None:
    kinds = {example["kind"] for example in report["examples"]}
    assert kinds == {"best", "worst", "gained"}
    turned = next(example for example in report["examples"] if example["kind"] == "gained")
    assert (turned["before"], turned["concepts"]) == ("I cannot *say*.", [f"{turned['label']} wings"])
    head, _, body = turned["image"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(body))).size == (32, 32)


def test_the_form_is_the_one_that_is_asked_for(stack: Stack, job: str) -> None:
    path = f"/jobs/{job}/report"
    assert text(stack, path)[0] == text(stack, path, "application/pdf")[0] == "application/json"
    assert text(stack, path, "text/html,application/xhtml+xml;q=0.9")[0].startswith("text/html")
    assert text(stack, path, "text/markdown")[0].startswith("text/markdown")
    assert text(stack, f"{path}?format=md", "text/html")[0].startswith("text/markdown")
    assert stack.client.get(f"{path}?format=pdf").status_code == 422


def test_the_page_is_whole_in_itself_and_what_a_model_wrote_is_only_text(stack: Stack, job: str) -> None:
    response = stack.client.get(f"/jobs/{job}/report?format=html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page = response.text
    assert "<b>red finch</b> |" not in page
    assert "&lt;b&gt;red finch&lt;/b&gt; |" in page
    assert page.count("<svg") == 4
    assert 'src="data:image/jpeg' in page
    assert 'src="http' not in page
    assert "train.lora_rank = 8" in page


def test_markdown_keeps_its_tables_whatever_a_model_wrote(stack: Stack, job: str) -> None:
    page = text(stack, f"/jobs/{job}/report?format=md")[1]
    assert "\\<b\\>red finch\\</b\\> \\| with" in page
    [row] = [line for line in page.splitlines() if line.startswith("| round 2 ") and "(" in line]
    assert "| 0.750 (" in row
    assert "None" not in page


def test_a_running_job_and_a_failed_one_have_reports_of_what_is_done(stack: Stack, known: str) -> None:
    made = stack.job(known)["id"]
    empty = stack.get(f"/jobs/{made}/report")
    assert (empty["is_final"], empty["examples"]) == (False, [])
    assert "is not over" in text(stack, f"/jobs/{made}/report?format=html")[1]
    stack.play_until(lambda: stack.get(f"/jobs/{made}")["position"] == {"round": 1, "step": "describe"})
    running = stack.get(f"/jobs/{made}/report")
    assert running["rounds"][0]["statistics"]["test"]["images"] == 4
    task = wait_for(stack.worker.take)
    with stack.worker.call(task) as coordinator:
        coordinator.started()
        coordinator.failed(ErrorReport(code="x", message="no <such> model", remedy="mend it", fault="user"))
    wait_for(lambda: stack.get(f"/jobs/{made}")["is_terminal"])
    failed = stack.get(f"/jobs/{made}/report")
    assert (failed["is_final"], failed["status"]) == (True, "failed")
    assert failed["rounds"][0]["statistics"] == running["rounds"][0]["statistics"]
    assert "no &lt;such&gt; model" in text(stack, f"/jobs/{made}/report?format=html")[1]
    assert "no \\<such\\> model" in text(stack, f"/jobs/{made}/report?format=md")[1]


def test_what_has_no_report_is_said(stack: Stack, job: str) -> None:
    assert stack.client.get("/jobs/job_none/report").json()["code"] == "not_found"
    export = stack.post(f"/jobs/{job}/export", {})
    refused = stack.client.get(f"/jobs/{export['id']}/report")
    assert (refused.status_code, "trains no model" in refused.json()["detail"]) == (422, True)


def test_the_command_writes_the_report_in_the_form_that_the_file_s_name_says(
    stack: Stack, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def report(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["report", job, "--url", stack.url, "--key", KEY, *arguments])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert report().startswith(f"# {job}\n")
    for name, begins in (("a/r.html", "<!doctype html>"), ("r.md", f"# {job}"), ("r.json", '{"job":')):
        assert str(tmp_path / name) in report("--out", str(tmp_path / name))
        assert (tmp_path / name).read_text().lstrip().startswith(begins)
    assert json.loads(report("--format", "json"))["job"] == job
