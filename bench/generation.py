"""Our describe step on real vLLM, against the same prompts given in one call to vLLM's offline `LLM.generate`, and
against the reference's way: synchronous batches of 32, images opened and encoded for every prompt.

A random model of about 100 M parameters, in which the engine does most of the work, and the demo's base beside it.
Answers differ in length. `vs_offline` and `vs_reference` are the step's speed over the other's (medians over sets of
images that nobody has seen), `prefix_hit_rate` is the step's. With two replicas: how the prompts' tokens spread over
them, and whether the prefixes are still found. `--quick`: the demo's base only, few images.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from selfsynth.demo.base.saving import name_tower_as_published  # noqa: E402
from selfsynth.demo.world.scene import random_scene, render  # noqa: E402
from services.generator.chat import Engine  # noqa: E402
from services.generator.prompts import describe_instructions  # noqa: E402
from services.generator.serving.architecture import read_architecture  # noqa: E402
from services.generator.serving.arguments import Command, Device, command  # noqa: E402
from services.generator.serving.settings import ServingSettings  # noqa: E402
from services.generator.steps import describe  # noqa: E402
from shared.artefacts import ArtefactWriter  # noqa: E402
from shared.job_settings import resolve  # noqa: E402
from shared.objects import ObjectStore, open_store  # noqa: E402
from shared.seeds import derive  # noqa: E402
from shared.types.lifecycle import StepName  # noqa: E402
from shared.types.records import Example  # noqa: E402
from shared.types.tasks import StepTask  # noqa: E402
from shared.worker.context import StepContext  # noqa: E402
from tests.models import tiny_llava  # noqa: E402
from tests.vllm_server import DEMO_BASE, KEY, PYTHON, Vllm, running_vllm  # noqa: E402

RESULTS = ROOT / "bench/results/generation.json"
NOUN, THREADS, IN_FLIGHT = "bird", 1, 64
# LLaVA-1.5's 576 image tokens, and a vision tower of the same share of all weights. On a CPU vLLM caches prefixes in
# blocks of 128, which the demo's short prompts never fill.
LARGE: dict[str, Any] = {"width": 768, "layers": 12, "image_px": 384, "tower": (256, 6), "positions": 1024}
DESCRIBE: dict[str, Any] = {"instructions": 3, "samples": 2, "temperature": 1.0, "top_p": 1.0, "max_tokens": 96}
# A random model never ends by itself. With so many of its 1,024 tokens as ends, answers have 38 tokens on average, some
# a few and one in ten all 96: descriptions differ in length, and a batch waits for its longest.
ENDS = 24


class Pictures:
    """Sets of drawn birds, as files and as examples in a store. The first set only warms up."""

    def __init__(self, folder: Path, sets: int, size: int) -> None:
        self.store: ObjectStore = open_store(f"file://{folder}")
        self.sets = [[self._drawn(folder, 10_000 * number + k) for k in range(size)] for number in range(sets + 1)]
        self.folder = folder

    def _drawn(self, folder: Path, number: int) -> Example:
        key = f"images/{number}.png"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(random_scene(random.Random(number)))).save(folder / key)
        return Example(
            id=str(number), image_key=key, label="", split="train", width=64, height=64, sha256="", source=""
        )

    def task(self, number: int) -> StepTask:
        key = f"sets/{number}"
        settings = resolve("default", {"noun": NOUN, "describe": DESCRIBE})
        task = StepTask(
            step_id=f"bench-1-describe-{number}",
            job_id="bench",
            round=1,
            step=StepName.DESCRIBE,
            attempt=1,
            inputs={},
            output_prefix=f"{key}/described",
            base_model="base",
            teacher="base",
            seed=number,
            params=settings.model_dump(mode="json"),
        )
        writer = ArtefactWriter(self.store, task.model_copy(update={"output_prefix": key}), Example)
        writer.put(0, self.sets[number])
        return task.model_copy(update={"inputs": {"examples": (writer.finish(1).key,)}})

    def asked(self, number: int) -> list[dict[str, Any]]:
        """The requests of the step about the set, as the offline side takes them."""
        task = self.task(number)
        sampling = {name: DESCRIBE[name] for name in ("temperature", "top_p", "max_tokens")} | {
            "n": DESCRIBE["samples"]
        }
        return [
            {
                "image": str(self.folder / example.image_key),
                "text": text,
                "sampling": sampling | {"seed": derive(task.seed, task.round, task.step.value, example.id, k)},
            }
            for example in self.sets[number]
            for k, text in enumerate(describe_instructions(NOUN))
        ]


def with_ends(model: Path) -> Path:
    file = model / "generation_config.json"
    ends = random.Random(0).sample(range(16, 1024), ENDS)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": [2, *ends]}))
    return model


def our_step(model: Path, pictures: Pictures, folder: Path, replicas: int = 1) -> list[dict[str, float]]:
    with ExitStack() as running:
        servers = [running.enter_context(_replica(model, folder / f"{replicas}-{n}")) for n in range(replicas)]
        engine = Engine(",".join(server.url for server in servers), key=KEY, in_flight=IN_FLIGHT)
        measured = [_step_once(servers, engine, pictures, number) for number in range(len(pictures.sets))]
    return measured[1:]


def _replica(model: Path, folder: Path) -> AbstractContextManager[Vllm]:
    folder.mkdir()
    return running_vllm(folder, model, threads=THREADS)


def _step_once(servers: list[Vllm], engine: Engine, pictures: Pictures, number: int) -> dict[str, float]:
    task = pictures.task(number)
    # A place of its own: what another run of the step has written would not be asked for again.
    task = task.model_copy(update={"output_prefix": f"{task.output_prefix}-by-{len(servers)}"})
    context = StepContext(task, pictures.store)
    before = [_prefixes(server) for server in servers]
    start = time.perf_counter()
    describe.run(context, engine)
    seconds = time.perf_counter() - start
    after = [_prefixes(server) for server in servers]
    hits, queries = ([new[k] - old[k] for old, new in zip(before, after, strict=True)] for k in (0, 1))
    return {
        "seconds": seconds,
        "prefix_hit_rate": sum(hits) / max(1.0, sum(queries)),
        "smallest_share": min(queries) / max(1.0, sum(queries)),
    }


def _prefixes(server: Vllm) -> tuple[float, float]:
    """Prompt tokens that were found in the prefix cache, and all that were looked for."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    counts = {
        line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith("vllm:prefix")
    }
    return counts.get("vllm:prefix_cache_hits_total", 0.0), counts.get("vllm:prefix_cache_queries_total", 0.0)


def offline(model: Path, pictures: Pictures, folder: Path) -> dict[str, list[dict[str, float]]]:
    made = _command(model)
    sets = [pictures.asked(number) for number in range(len(pictures.sets))]
    specification = folder / "asked.json"
    specification.write_text(json.dumps({"arguments": made.arguments, "model": str(model), "sets": sets}))
    env = os.environ | dict(made.environment) | {"VLLM_PLUGINS": "", "HF_HUB_OFFLINE": "1"}
    env |= {"OMP_NUM_THREADS": str(THREADS), "OMP_WAIT_POLICY": "PASSIVE", "TMPDIR": str(folder)}
    side = [str(PYTHON), str(ROOT / "bench/offline/generate.py"), str(specification)]
    said = subprocess.run(side, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("measured:"))
    measured: dict[str, list[dict[str, float]]] = json.loads(line.removeprefix("measured:"))
    return measured


def _command(model: Path) -> Command:
    """As the server that our step asks is launched."""
    settings = ServingSettings.model_validate(
        {
            "store_url": "file:///unused",
            "engine_model": model,
            "engine_name": "base",
            "engine_threads": THREADS,
            "engine_dtype": "float32",
        }
    )
    return command(settings, read_architecture(model), Device("cpu"))


def compared(model: Path, sets: int, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        pictures = Pictures(folder / "pictures", sets, size)
        ways = {
            "step": our_step(model, pictures, folder),
            "two_replicas": our_step(model, pictures, folder, replicas=2),
            **offline(model, pictures, folder),
        }
    seconds = {way: statistics.median(run["seconds"] for run in runs) for way, runs in ways.items()}
    hits = {way: statistics.median(run["prefix_hit_rate"] for run in runs) for way, runs in ways.items()}
    answers = size * DESCRIBE["instructions"] * DESCRIBE["samples"]
    return {
        "vs_offline": seconds["offline"] / seconds["step"],
        "vs_reference": seconds["reference"] / seconds["step"],
        "prefix_hit_rate": hits["step"],
        "two_replicas_smallest_share": min(run["smallest_share"] for run in ways["two_replicas"]),
        **{f"{way}_answers_per_s": answers / median for way, median in seconds.items()},
        **{f"{way}_prefix_hit_rate": rate for way, rate in hits.items() if way != "step"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the demo's base only, few images; writes no results")
    quick = parser.parse_args().quick
    if not PYTHON.exists():
        sys.exit("there is no vLLM: run tools/install_vllm.sh cpu first")
    figures: dict[str, Any] = {"threads": THREADS, "in_flight": IN_FLIGHT}
    with tempfile.TemporaryDirectory() as folder:
        if not quick:
            large = with_ends(name_tower_as_published(tiny_llava(Path(folder) / "large", **LARGE)))
            figures |= compared(large, sets=2, size=24)
        figures["demo_base"] = compared(DEMO_BASE, sets=1 if quick else 2, size=8 if quick else 200)
    text = json.dumps(figures, indent=1)
    print(text)
    if not quick:
        RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
