"""What the engine's tests stand on: a real server on a free port, pictures, requests and adapters."""

import base64
import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import torch
import uvicorn
from fastapi import FastAPI
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoModelForImageTextToText

from services.generator.engine.settings import EngineSettings
from services.generator.engine.wiring import build
from shared.objects import open_store

LANGUAGE = r".*language_model.*\.(q_proj|v_proj|down_proj)"
LANGUAGE_AND_PROJECTOR = rf"({LANGUAGE})|(.*multi_modal_projector\.linear_[12])"
QUESTION = "What bird is this?"


@contextmanager
def serving(model: Path, store: Path, **settings: Any) -> Iterator[httpx.Client]:
    """A running engine that serves `model` as `base`."""
    chosen = EngineSettings(engine_model=model, engine_name="base", store_url=f"file://{store}", **settings)
    with running(build(chosen), chosen.engine_key.get_secret_value() if chosen.engine_key else "") as client:
        yield client


@contextmanager
def running(app: FastAPI, key: str = "") -> Iterator[httpx.Client]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_keep_alive=120))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def picture(number: int) -> bytes:
    pixels = torch.randint(0, 256, (64, 64, 3), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(sink, "PNG")
    return sink.getvalue()


def messages(image: bytes | None, text: str = QUESTION) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if image is not None:
        url = "data:image/png;base64," + base64.b64encode(image).decode()
        parts.insert(0, {"type": "image_url", "image_url": {"url": url}})
    return [{"role": "user", "content": parts}]


def asking(image: bytes | None, text: str = QUESTION, **fields: Any) -> dict[str, Any]:
    return {"model": "base", "messages": messages(image, text), "max_tokens": 12, "seed": 1, **fields}


def ask(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/chat/completions", json=request)


def figures(client: httpx.Client) -> dict[str, float]:
    """The engine's metrics by name."""
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (li.rsplit(" ", 1) for li in lines if not li.startswith("#"))}


def texts(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [choice["message"]["content"] for choice in response.json()["choices"]]


def publish(
    model: Path,
    store: Path,
    name: str,
    targets: str = LANGUAGE_AND_PROJECTOR,
    seed: int = 0,
    rank: int = 4,
    std: float = 0.05,
) -> Path:
    """A random LoRA in the store, under its pointer. Returns the folder with its files."""
    torch.manual_seed(seed)
    base = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
    adapted = get_peft_model(base, LoraConfig(r=rank, lora_alpha=4 * rank, target_modules=targets))
    for key, weights in adapted.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(weights, std=std)
    prefix = f"jobs/j/{name}"
    adapted.save_pretrained(store / prefix)
    point(store, name, prefix)
    return store / prefix


def point(store: Path, name: str, prefix: str, base_model: str = "base") -> None:
    digest = hashlib.sha256((store / prefix / "adapter_model.safetensors").read_bytes()).hexdigest()
    pointer = {"name": name, "prefix": prefix, "sha256": digest, "base_model": base_model}
    open_store(f"file://{store}").put(f"adapters/{name}.json", json.dumps(pointer).encode())
