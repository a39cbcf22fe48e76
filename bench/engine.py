"""The engine under 1, 16 and 64 requests in flight, against plain `generate` one request at a time, in one run.

Requests are alike in all runs: a drawn bird with one of the generator's questions, at most 20 to 70 tokens, temperature
0.7. The demo's base model is used where it is there, otherwise a random one of the same shape.
"""

import asyncio
import base64
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# As in the engine, and before torch is imported, so that both sides have the same threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import httpx
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from selfsynth.demo.world.scene import random_scene, render  # noqa: E402
from services.generator.prompts import QuestionKind, describe_instructions, question_pool  # noqa: E402
from tests.models import tiny_llava  # noqa: E402

RESULTS = ROOT / "bench/results/engine.json"
DEMO_BASE = ROOT / "selfsynth/demo/base/checkpoint"
IN_FLIGHT = {1: 20, 16: 160, 64: 640}
PLAIN_REQUESTS = 20


def picture(number: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(render(random_scene(random.Random(number)))).save(sink, "PNG")
    return sink.getvalue()


def requests(count: int) -> list[dict[str, Any]]:
    rng = random.Random(0)
    urls = ["data:image/png;base64," + base64.b64encode(picture(i)).decode() for i in range(60)]
    questions = [*describe_instructions("bird"), *question_pool(QuestionKind.EXPLAIN, "bird")]
    chosen = []
    for seed in range(count):
        question = rng.choice(questions)
        parts = [
            {"type": "image_url", "image_url": {"url": rng.choice(urls)}},
            {"type": "text", "text": question},
        ]
        chosen.append(
            {
                "model": "base",
                "messages": [{"role": "user", "content": parts}],
                "max_tokens": rng.randint(20, 70),
                "temperature": 0.7,
                "seed": seed,
            }
        )
    return chosen


@contextmanager
def served(model: Path, folder: Path) -> Iterator[str]:
    """The engine as its own process, as in a deployment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "SELFSYNTH_ENGINE_MODEL": str(model),
        "SELFSYNTH_ENGINE_NAME": "base",
        "SELFSYNTH_ENGINE_PORT": str(port),
        "SELFSYNTH_STORE_URL": f"file://{folder}",
        "SELFSYNTH_LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen([sys.executable, "-m", "services.generator.engine"], cwd=ROOT, env=os.environ | settings)
    url = f"http://127.0.0.1:{port}"
    try:
        while not _healthy(url):
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


async def drive(url: str, bodies: list[dict[str, Any]], in_flight: int) -> tuple[float, int]:
    """Seconds and generated tokens of all requests with so many in flight."""
    waiting = iter(bodies)
    tokens = 0

    async def client_loop(client: httpx.AsyncClient) -> None:
        nonlocal tokens
        for body in waiting:
            response = await client.post("/v1/chat/completions", json=body)
            tokens += response.raise_for_status().json()["usage"]["completion_tokens"]

    limits = httpx.Limits(max_connections=in_flight)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        start = time.perf_counter()
        await asyncio.gather(*(client_loop(client) for _ in range(in_flight)))
        return time.perf_counter() - start, tokens


def plain(model_path: Path, bodies: list[dict[str, Any]]) -> tuple[float, int]:
    """The same requests, one `generate` each."""
    model: Any = AutoModelForImageTextToText.from_pretrained(model_path, dtype=torch.float32).eval()
    processor: Any = AutoProcessor.from_pretrained(model_path)
    tokens = 0
    start = time.perf_counter()
    for body in bodies:
        image, text = body["messages"][0]["content"]
        chat = [{"role": "user", "content": [{"type": "image"}, text]}]
        prompt = processor.apply_chat_template(chat, add_generation_prompt=True)
        pixels = Image.open(io.BytesIO(base64.b64decode(image["image_url"]["url"].partition(",")[2])))
        inputs = processor(text=prompt, images=pixels, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**inputs, max_new_tokens=body["max_tokens"], do_sample=True, temperature=0.7)
        tokens += ids.shape[1] - inputs["input_ids"].shape[1]
    return time.perf_counter() - start, tokens


def main() -> None:
    torch.set_num_threads(int(os.environ.get("SELFSYNTH_ENGINE_THREADS") or os.cpu_count() or 1))
    figures: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        demo = (DEMO_BASE / "config.json").exists()
        model = DEMO_BASE if demo else tiny_llava(Path(folder) / "model")
        figures |= {"model": "demo base" if demo else "random, same shape", "threads": torch.get_num_threads()}
        seconds, tokens = plain(model, requests(PLAIN_REQUESTS))
        figures |= {"plain_requests_per_s": PLAIN_REQUESTS / seconds, "plain_tokens_per_s": tokens / seconds}
        with served(model, Path(folder) / "store") as url:
            asyncio.run(drive(url, requests(32), 32))
            for in_flight, count in IN_FLIGHT.items():
                seconds, tokens = asyncio.run(drive(url, requests(count), in_flight))
                figures[f"in_flight_{in_flight}_requests_per_s"] = count / seconds
                figures[f"in_flight_{in_flight}_tokens_per_s"] = tokens / seconds
    rounded = {key: round(value, 2) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps(rounded, indent=1))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(rounded, indent=1) + "\n")


if __name__ == "__main__":
    main()
