"""The client and `selfsynth jobs` on a real API with real databases. No engine, no worker: a job stays where it is."""

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from selfsynth import ApiError, Client
from selfsynth.cli import main
from selfsynth.stack import Stack, StackOptions

_CONCEPTS = {"red": ["it is red", "it is warm"], "blue": ["it is blue", "it is cold"]}


class _ModelList(BaseHTTPRequestHandler):
    """All that the API asks of an engine: which models it serves."""

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": "tiny-birds"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not on the test's screen."""


@pytest.fixture(scope="module")
def engine_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ModelList)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for split, count in (("train", 4), ("test", 2)):
        for number in range(count):
            for colour in ("red", "blue"):
                (folder / split / colour).mkdir(parents=True, exist_ok=True)
                shade = Image.new("RGB", (16, 16 + number + 8 * (split == "test")), colour)
                shade.save(folder / split / colour / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def stack(engine_url: str, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {"api": {"SELFSYNTH_ENGINE_URL": engine_url}}
    options = StackOptions(import_roots=(images,))
    with Stack(tmp_path_factory.mktemp("stack"), options, services=("api", "data"), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url, stack.api_key) as opened:
        yield opened


@pytest.fixture(scope="module")
def dataset(client: Client, images: Path) -> dict[str, Any]:
    return client.wait_dataset(client.add_dataset(images, "colours", _CONCEPTS)["id"])


def test_a_data_set_becomes_ready(dataset: dict[str, Any]) -> None:
    assert dataset["status"] == "ready"
    assert sorted(dataset["classes"]) == ["blue", "red"]
    assert dataset["concept_bank"]["concepts"] == {"red": 2, "blue": 2}


def test_an_archive_becomes_ready_too(client: Client, images: Path, tmp_path: Path) -> None:
    archive = tmp_path / "images.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in images.rglob("*.png"):
            packed.write(path, path.relative_to(images))
    found = client.wait_dataset(client.upload_dataset(archive, "packed", _CONCEPTS)["id"])
    assert found["status"] == "ready"


def test_a_folder_is_sent_and_its_report_sheet_and_images_come_back(client: Client, images: Path) -> None:
    found = client.wait_dataset(client.upload_dataset(images, "sent", _CONCEPTS, noun="colour")["id"])
    assert (found["status"], found["domain"]["noun"]) == ("ready", "colour")
    assert client.dataset_report(found["id"])["errors_total"] == 0
    blank = list(client.dataset_findings(found["id"], "image_blank", limit=5))
    assert len(blank) == sum(found["splits"].values())
    assert [page[:2] for page in client.dataset_sheet(found["id"])] == [b"\xff\xd8"]
    of_red = [each["split"] for each in client.dataset_images(found["id"], class_="red", limit=2)]
    assert len(of_red) == sum(found["splits"].values()) / 2


def test_data_sets_are_added_and_told_from_the_command_line(
    stack: Stack, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*command: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["datasets", *command, "--folder", str(stack.folder)])
        out = capsys.readouterr()
        assert ended.value.code == 0, out.err
        return out.out

    assert "is ready: layout class_folders, 2 classes" in told("add", str(images), "--name", "named")
    dataset = next(line for line in told("list").splitlines() if "named" in line).split()[0]
    assert "named" in told("show", dataset)
    assert json.loads(told("report", dataset, "--json"))["errors_total"] == 0
    told("sheet", dataset, str(tmp_path / "sheet.jpg"))
    assert (tmp_path / "sheet.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_a_sheet_that_cannot_be_written_is_told(
    stack: Stack, dataset: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["datasets", "sheet", dataset["id"], str(tmp_path / "none" / "s.jpg"), "--folder", str(stack.folder)])
    assert "s.jpg cannot be written: No such file" in capsys.readouterr().err


def test_a_relative_folder_is_below_the_clients_own(
    client: Client, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    assert client.add_dataset(Path(images.name), "relative")["source"] == {"path": str(images)}


def test_a_registered_data_set_is_run_by_its_id(
    client: Client, stack: Stack, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered = client.wait_dataset(client.add_dataset(images, "bare")["id"])["id"]
    command = ["run", "--dataset", registered, "--folder", str(stack.folder), "--model", "unheard-of"]
    for given, word in (([], "has no concepts for"), (["--concepts", str(tmp_path / "bank.json")], "is not served")):
        (tmp_path / "bank.json").write_text(json.dumps(_CONCEPTS))
        with pytest.raises(SystemExit) as ended:
            main([*command, *given])
        assert (ended.value.code, word in capsys.readouterr().err) == (1, True)
    assert len([each for each in client.datasets() if each["name"] == "bare"]) == 1


def test_what_the_api_refuses_names_code_and_remedy(client: Client, dataset: dict[str, Any], stack: Stack) -> None:
    with pytest.raises(ApiError) as caught:
        client.start_job(dataset["id"], "unheard-of")
    assert caught.value.code == "model_not_served"
    assert "tiny-birds" in caught.value.remedy
    with pytest.raises(ApiError, match="the request has none or a wrong one"), Client(stack.url, "wrong") as stranger:
        stranger.job("job_1")


def test_one_key_makes_one_job(client: Client, dataset: dict[str, Any]) -> None:
    jobs = [client.start_job(dataset["id"], "tiny-birds", rounds=1, idempotency_key="the-one") for _ in range(2)]
    assert jobs[0]["id"] == jobs[1]["id"]


def test_jobs_and_events_come_page_by_page(client: Client, dataset: dict[str, Any]) -> None:
    made = [client.start_job(dataset["id"], "tiny-birds", rounds=1, seed=seed)["id"] for seed in range(3)]
    listed = [job["id"] for job in client.jobs(limit=2)]
    assert listed[:3] == made[::-1]
    assert len(listed) == len(set(listed))
    client.cancel(made[0])
    ended = client.wait(made[0])
    assert ended["status"] == "cancelled"
    events = list(client.events(made[0], limit=1))
    assert [event["id"] for event in events] == sorted({event["id"] for event in events})
    assert [event["kind"] for event in events][-1] == "job.cancelled"
    assert list(client.events(made[0], after=str(events[0]["id"]))) == events[1:]


def test_a_restart_of_the_api_is_waited_out(client: Client, stack: Stack, dataset: dict[str, Any]) -> None:
    job = client.start_job(dataset["id"], "tiny-birds", rounds=1)
    stack.process("api").kill()
    assert client.job(job["id"])["id"] == job["id"]


def test_what_is_not_there_yet_is_told(client: Client, dataset: dict[str, Any], tmp_path: Path) -> None:
    job = client.start_job(dataset["id"], "tiny-birds", rounds=1)
    with pytest.raises(ApiError, match="has left nothing yet"):
        client.download_artefact(job["id"], 0, "evaluate")
    with pytest.raises(ApiError, match="has no adapter"):
        client.download_adapter(job["id"], 1, tmp_path / "adapter")


def test_the_command_finds_the_stack_by_its_folder(
    client: Client, stack: Stack, dataset: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    job = client.start_job(dataset["id"], "tiny-birds", rounds=1)["id"]
    words = {
        ("list",): job,
        ("show", job): job,
        ("adapter", job, "nowhere"): "has no adapter",
        ("cancel", job): job,
        ("events", job): "job.cancelling",
        ("wait", job): job,
    }
    for command, word in words.items():
        with pytest.raises(SystemExit) as ended:
            main(["jobs", *command, "--folder", str(stack.folder)])
        told = capsys.readouterr()
        assert ended.value.code == (1 if command[0] in ("wait", "adapter") else 0), told.err
        assert word in told.out + told.err
