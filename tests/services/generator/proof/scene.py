"""Adapters with the trainer's own probes beside them, and an engine that takes one model's name for another's."""

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from services.generator.chat import Chat, Engine, Sampling
from services.generator.proof import guarded
from services.trainer.plan import Plan, TrainPair
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.probing import probes_of
from services.trainer.tuning.processing import load_processor
from shared.job_settings import TrainSettings
from shared.objects import open_store
from shared.types.lifecycle import StepName
from shared.types.probes import PROBES
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from tests.services.generator.engine.serving import QUESTION, messages, picture, publish


def publish_probed(model: Path, store: Path, name: str, **how: Any) -> None:
    """A random adapter in the store, with what the trainer says of it."""
    folder = publish(model, store, name, **how)
    images = store / "images"
    images.mkdir(exist_ok=True)
    for number in range(4):
        (images / f"{number}.png").write_bytes(picture(number))
    pairs = [
        TrainPair(image=f"{k}.png", image_key=f"images/{k}.png", question=QUESTION, answer="It is a red finch.")
        for k in range(4)
    ]
    base = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
    plan = Plan(model_path=model, base_model="base", folder=folder, images=images, settings=TrainSettings(), seed=1)
    encoder = PairEncoder(load_processor(model), images)
    probes = probes_of(plan, PeftModel.from_pretrained(base, folder), encoder, pairs)
    (folder / PROBES).write_text(probes.model_dump_json())


def context(store: Path, teacher: str, **how: Any) -> StepContext:
    task = StepTask(
        step_id="j-2-evaluate-0", job_id="j", round=2, step=StepName.EVALUATE, attempt=1, output_prefix="jobs/j/r2/e",
        base_model="base", teacher=teacher, seed=0,
    )  # fmt: skip
    return StepContext(task=task, store=open_store(f"file://{store}"), **how)


def ask_guarded(step: StepContext, engine: Engine, images: Iterable[int] = (0,)) -> None:
    """Ask as a step does, about one image after the other."""

    async def ask() -> None:
        async with Chat(guarded(step, engine)) as chat:
            for number in images:
                await chat.ask(step.task.teacher, uri(number), QUESTION, Sampling(1, 0.0, 1.0, 1), 1)

    asyncio.run(ask())


def is_proven_first(asked: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what a replica was asked is the proof, and then the step's requests."""
    kinds = ["logprobs" in request for request in asked]
    return set(kinds) == {True, False} and kinds == sorted(kinds, reverse=True)


def uri(number: int) -> str:
    [message] = messages(picture(number))
    return str(message["content"][0]["image_url"]["url"])


@contextmanager
def answering_as(
    engine: httpx.Client, names: Mapping[str, str], asked: list[dict[str, Any]] | None = None
) -> Iterator[str]:
    """The address of a server that passes requests on to `engine`, those for one model to another. `asked`: all that it
    was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if asked is not None:
                asked.append(dict(body))
            body["model"] = names.get(body["model"], body["model"])
            answer = engine.post(self.path, json=body)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests print no requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
