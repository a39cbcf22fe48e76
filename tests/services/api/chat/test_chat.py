"""Chat with a tuned model: the real coordinator before the real engine of ours, and an engine that is away."""

import base64
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from selfsynth.cli import main
from services.api.settings import ApiSettings
from tests.models import tiny_llava
from tests.services.api.conftest import KEY, Stack, ready_dataset, serving
from tests.services.generator.engine import serving as engine

QUESTION = "What bird is this?"


def uri(body: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(body).decode()}"


def chat(*said: str, **fields: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[k % 2], "content": text} for k, text in enumerate(said or (QUESTION,))]
    return {"image": uri(engine.picture(1)), "messages": messages, "max_tokens": 6, **fields}


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[Path], ApiSettings], tmp_path_factory: pytest.TempPathFactory) -> ApiSettings:
    return new_settings(tmp_path_factory.mktemp("chat")).model_copy(update={"chat_limit_bytes": 100_000})


@pytest.fixture(scope="module")
def direct(settings: ApiSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The engine itself, on the coordinator's store."""
    store = Path(settings.store_url.removeprefix("file://"))
    with engine.serving(tiny_llava(tmp_path_factory.mktemp("model")), store) as client:
        yield client


@pytest.fixture(scope="module")
def stack(settings: ApiSettings, direct: httpx.Client) -> Iterator[Stack]:
    with serving(settings.model_copy(update={"engine_url": str(direct.base_url)})) as running:
        yield running


@pytest.fixture(scope="module")
def job(stack: Stack, direct: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One whose round 1 left a real adapter."""
    folder = tmp_path_factory.mktemp("adapter")
    files = engine.publish(tiny_llava(folder / "model"), folder / "store", "random", std=0.5)
    stack.worker.adapter = {file.name: file.read_bytes() for file in files.iterdir()}
    made = stack.job(ready_dataset(stack, stack.settings.import_roots[0]), model="base")
    stack.play_until(lambda: stack.get(f"/jobs/{made['id']}")["is_terminal"])
    return str(made["id"])


def answer(stack: Stack, job: str, body: dict[str, Any]) -> Any:
    return stack.post(f"/jobs/{job}/chat", body, status=200)


def test_a_round_s_adapter_answers_by_its_name_and_the_base_otherwise(
    stack: Stack, direct: httpx.Client, job: str
) -> None:
    tuned, base = (answer(stack, job, chat(round=r)) for r in (1, 0))
    assert (tuned["model"], tuned["round"], base["model"]) == (f"{job}-r1", 1, "base")
    assert tuned["answer"] != base["answer"]
    asked = engine.asking(engine.picture(1), QUESTION, max_tokens=6, temperature=0.0)
    assert base["answer"] == engine.texts(engine.ask(direct, asked))[0]
    assert tuned["answer"] == engine.texts(engine.ask(direct, {**asked, "model": f"{job}-r1"}))[0]
    assert (tuned["completion_tokens"], tuned["finish_reason"]) == (6, "length")


def test_the_best_round_on_validation_answers_where_none_is_named(stack: Stack, job: str) -> None:
    assert answer(stack, job, chat())["round"] == stack.get(f"/jobs/{job}")["best_round"] == 0


def test_every_turn_so_far_is_told(stack: Stack, job: str) -> None:
    one = answer(stack, job, chat(QUESTION, round=1))
    three = answer(stack, job, chat(QUESTION, "A red finch.", "Which feature shows it?", round=1))
    assert three["prompt_tokens"] > one["prompt_tokens"] + 5


def test_the_image_is_shown_as_those_of_a_data_set_are(stack: Stack, job: str) -> None:
    """Turned upright and without transparency; one that needs nothing goes as it is."""
    sink = io.BytesIO()
    picture = Image.open(io.BytesIO(engine.picture(2))).convert("RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90).save(sink, "PNG", exif=exif)
    turned = answer(stack, job, chat(image=uri(sink.getvalue()), round=1))
    assert turned["answer"] == answer(stack, job, chat(image=uri(engine.picture(2)), round=1))["answer"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"image": "http://example.org/x.png"}, "data URI"),
        ({"image": "data:image/png;base64,@@"}, "base64"),
        ({"image": "data:image/png;base64,aGVsbG8="}, "no JPEG"),
        ({"image": "data:text/html;base64,aGVsbG8="}, "data URI"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "in turn"),
        ({"messages": [{"role": "system", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": "x"}] * 2}, "in turn"),
        ({"messages": [{"role": "user", "content": "x" * 9000}]}, "content"),
        ({"messages": [{"role": "user", "content": "<image> what?"}]}, "<image>"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 4000}, "together at most"),
        ({"temperature": -1}, "temperature"),
        ({"round": "1"}, "round"),
        ({"model": "other"}, "model"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    stack: Stack, job: str, change: dict[str, Any], word: str
) -> None:
    response = stack.client.post(f"/jobs/{job}/chat", json=chat() | change)
    assert (response.status_code, response.json()["fault"]) == (422, "user"), response.text
    assert word in response.json()["detail"]


def test_a_body_may_be_larger_than_others_but_not_without_end(stack: Stack, job: str) -> None:
    large = chat(image="data:image/png;base64," + "A" * 50_000)
    assert stack.client.post(f"/jobs/{job}/chat", json=large).json()["code"] == "invalid_input"
    larger = chat(image="data:image/png;base64," + "A" * 100_000)
    assert stack.client.post(f"/jobs/{job}/chat", json=larger).status_code == 413
    assert stack.client.post(f"/jobs/{job}/cancel", json=large).status_code == 413


def test_a_round_or_a_job_that_is_not_there_is_said(stack: Stack, job: str) -> None:
    untrained = stack.client.post(f"/jobs/{job}/chat", json=chat(round=2)).json()
    assert (untrained["code"], "Trained are: 1" in untrained["remedy"]) == ("not_found", True)
    assert stack.client.post("/jobs/job_none/chat", json=chat()).status_code == 404
    refused = httpx.post(f"{stack.url}/jobs/{job}/chat", json=chat())
    assert refused.status_code == 401


def test_chats_at_once_are_all_answered_or_told_to_wait(stack: Stack, job: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        body = chat(round=0, max_tokens=1)
        posts = [pool.submit(stack.client.post, f"/jobs/{job}/chat", json=body, timeout=120) for _ in range(8)]
    answers = [post.result() for post in posts]
    assert {a.status_code for a in answers} <= {200, 503}
    assert sum(a.status_code == 200 for a in answers) >= stack.settings.chats_at_once
    assert all(a.json()["code"] == "chats_busy" for a in answers if a.status_code == 503)
    assert answer(stack, job, chat())["answer"]


def test_an_engine_that_is_away_or_slow_is_told_and_another_replica_is_asked(stack: Stack, job: str) -> None:
    def code(**changes: Any) -> str:
        with serving(stack.settings.model_copy(update=changes)) as other:
            told = other.client.post(f"/jobs/{job}/chat", json=chat(round=0)).json()
            return str(told.get("code", "answered"))

    assert code(engine_url="http://127.0.0.1:1") == "engine_unavailable"
    assert code(chat_s=0.001) == "engine_unavailable"
    assert code(engine_url=f"http://127.0.0.1:1,{stack.settings.engine_url}") == "answered"


def test_the_command_goes_on_with_the_talk_and_passes_over_a_turn_without_an_answer(
    stack: Stack, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "bird.png"
    image.write_bytes(engine.picture(1))
    command = ["chat", "--image", str(image), "--round", "1", "--max-tokens", "6"]

    def told(typed: str, of: str = job) -> tuple[int | str | None, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main([*command, "--job", of, "--url", stack.url, "--key", KEY])
        return ended.value.code, *capsys.readouterr()

    code, out, err = told(f"{QUESTION}\n\n{'x' * 9000}\nWhy?\n")
    first = answer(stack, job, chat(QUESTION, round=1))["answer"]
    second = answer(stack, job, chat(QUESTION, first, "Why?", round=1))["answer"]
    assert (code, out) == (0, f"({job}-r1)\n{first}\n{second}\n")
    assert "content" in err
    assert told("x" * 9000)[0] == 1
    assert told("")[:2] == (0, "")
    code, _, err = told("", of="job_none")
    assert (code, "job_none" in err) == (1, True)
