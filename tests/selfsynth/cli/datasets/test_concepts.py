"""`selfsynth datasets concepts` on a real stack: API, data worker and selector, with an endpoint beside them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from selfsynth import Client
from selfsynth.cli import main
from selfsynth.cli.datasets.concept_table import summary_lines
from selfsynth.stack import Stack, StackOptions
from tests.shared.endpoints.fake_endpoint import MODEL, FakeEndpoint

LABELS = ("red finch", "blue wren", "grey owl")
# The answer of the command: its exit code, and what it printed to both outputs.
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for split in ("train", "test"):
        for number, label in enumerate(LABELS * 2):
            path = folder / split / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), (40 * number, 90, 120 if split == "test" else 20)).save(path)
    return folder


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeEndpoint]:
    with FakeEndpoint(key="sk-of-the-command") as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def stack(fake: FakeEndpoint, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = StackOptions(
        import_roots=(images,),
        lease_s=2.0,
        lease_margin_s=0.5,
        reconcile_s=0.2,
        concept_endpoints={"paid": {"base_url": fake.base_url, "key_env": "KEY_OF_THE_COMMAND"}},
        concept_open_urls=(),
    )
    env = {"data": {"KEY_OF_THE_COMMAND": "sk-of-the-command"}}
    with Stack(tmp_path_factory.mktemp("stack"), options, services=("api", "data", "selector"), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def dataset(stack: Stack, images: Path) -> str:
    with Client(stack.url, stack.api_key) as client:
        return str(client.wait_dataset(client.add_dataset(images, "birds")["id"])["id"])


@pytest.fixture
def run(stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def run_(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["datasets", "concepts", *arguments, "--folder", str(stack.folder)])
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out + told.err

    return run_


def test_a_bank_is_built_although_the_worker_is_killed_and_no_class_is_asked_twice(
    run: Run, stack: Stack, dataset: str, fake: FakeEndpoint
) -> None:
    fake.hold_s = 0.3

    def kill_it_once() -> None:
        while len(fake.asked) < 2:
            time.sleep(0.02)
        stack.process("data").kill()

    killing = threading.Thread(target=kill_it_once)
    killing.start()
    settings = ("--settings", "ask.in_flight=1", "--settings", "ask.requests_per_minute=6000")
    code, told = run("build", dataset, "--model", MODEL, "--secret", "paid", *settings)
    killing.join()
    fake.hold_s = 0.0
    assert code == 0, told
    assert "version 1: " in told
    # The one that was being answered when the worker died is asked again.
    assert len(LABELS) <= len(fake.asked) <= len(LABELS) + 1
    code, told = run("show", dataset)
    assert all(label in told for label in LABELS)
    assert "endpoint fake-text at 127.0.0.1" in told


def test_a_file_is_set_shown_edited_and_every_version_stays(
    run: Run, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = {label.upper(): ["- long tail", f"like a {label}", "white belly"] for label in LABELS}
    (tmp_path / "bank.json").write_text(json.dumps(bank))
    code, told = run("set", dataset, "bank.json")
    assert (code, "6 concepts for 3 classes, 3 taken out" in told) == (0, True), told
    assert "gives_away" in run("show", dataset, "--removed")[1]
    monkeypatch.setenv("EDITOR", "sed -i 's/long tail/forked tail/'")
    assert run("edit", dataset)[0] == 0
    shown = run("show", dataset, "--class", "grey owl", "--json")[1]
    concepts = json.loads(shown)["concepts"]["grey owl"]
    assert [each["concept"] for each in concepts] == ["forked tail", "white belly"]
    monkeypatch.setenv("EDITOR", "true")
    assert "nothing was changed" in run("edit", dataset)[1]
    assert not list(tmp_path.glob("concepts-*"))
    versions = run("versions", dataset)[1].splitlines()
    assert "expert" in versions[0]
    assert "file" in versions[1]


def test_an_edit_that_is_refused_is_kept_and_can_be_given_again(
    run: Run, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("set", dataset, str(_file(tmp_path, {label: ["long tail"] for label in LABELS})))
    monkeypatch.setenv("EDITOR", "sed -i 's/red finch/red fnich/'")
    code, told = run("edit", dataset)
    [kept] = tmp_path.glob("concepts-*.json")
    assert (code, "did you mean 'red finch'" in told, kept.name in told) == (1, True, True)
    kept.write_text(kept.read_text().replace("fnich", "finch").replace("long", "short"))
    assert run("edit", dataset, "--file", kept.name)[0] == 0
    assert not kept.exists()


def test_what_cannot_be_is_told_in_one_line_with_its_remedy(run: Run, dataset: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    for arguments, word in (
        (("build", dataset), "not clear who"),
        (("build", dataset, "--own", "x", "--clean"), "not clear who"),
        (("build", dataset, "--model", MODEL, "--base-url", "http://127.0.0.1:1/v1"), "may not be asked"),
        (("build", dataset, "--model", MODEL, "--secret", "other"), "no secret 'other'"),
        (("build", dataset, "--model", MODEL, "--secret", "paid", "--class", "emu"), "no classes of the data set: emu"),
        (("set", dataset, "bad.json"), "is not JSON"),
        (("set", dataset, "none.json"), "cannot be read"),
        (("show", dataset, "--version", "999"), "no version 999"),
        (("show", "ds_none"), "no data set 'ds_none'"),
    ):
        code, told = run(*arguments)
        assert (code, word in told) == (1, True), told
        assert told.startswith("error: ")


def test_an_editor_that_does_not_work_is_told_and_leaves_nothing(
    run: Run, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bank.json").write_text(json.dumps({label: ["a bright wing"] for label in LABELS}))
    assert run("set", dataset, "bank.json")[0] == 0
    for editor in ("false", 'no "quote', "/no/editor"):
        monkeypatch.setenv("VISUAL", editor)
        code, told = run("edit", dataset)
        assert (code, told.startswith("error: the editor does not work")) == (1, True), told
    assert [path.name for path in tmp_path.iterdir()] == ["bank.json"]


def test_what_stayed_empty_or_short_is_told() -> None:
    bank: dict[str, Any] = {
        "version": 3,
        "counts": {"a": 0, "b": 1},
        "cost": {"prompt_tokens": 5, "completion_tokens": 2},
        "removed": [{}],
        "missing": ["a"],
        "made": {"empty": {"a": "refused: no"}, "short": ["b"], "findings": [{"code": "x", "message": "look"}]},
    }
    lines = [line for _, line in summary_lines(bank)]
    assert lines[0] == "version 3: 1 concepts for 2 classes, 1 taken out, 7 tokens (2 of them written)"
    assert lines[1:] == ["no concept for a: refused: no", "few concepts for: b", "look"]


def _file(folder: Path, bank: dict[str, list[str]]) -> Path:
    path = folder / "given.json"
    path.write_text(json.dumps(bank))
    return path
