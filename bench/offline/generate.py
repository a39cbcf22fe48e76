"""vLLM's offline `LLM.generate` on the prompts of a specification (JSON, see bench/generation.py); runs in .venv-vllm.

Prints one line of JSON, after its name. Every way is given every set of images once, after a set to warm up with.
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image
from transformers import AutoProcessor
from vllm import LLM, SamplingParams
from vllm.engine.arg_utils import EngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser

BATCH = 32


def build(arguments: list[str]) -> LLM:
    """With the options that the launcher gives the server, as far as they are the engine's."""
    parser = EngineArgs.add_cli_args(FlexibleArgumentParser())
    chosen, _ = parser.parse_known_args(arguments)
    chosen.disable_log_stats = False
    return LLM.from_engine_args(EngineArgs.from_cli_args(chosen))


class Offline:
    def __init__(self, specification: dict[str, Any]) -> None:
        self._llm = build(specification["arguments"])
        self._processor = AutoProcessor.from_pretrained(specification["model"])

    def in_one_call(self, asked: list[dict[str, Any]]) -> None:
        """Each image is opened once."""
        images = {path: _opened(path) for path in {each["image"] for each in asked}}
        self._generate([self._prompt(each, images[each["image"]]) for each in asked], asked)

    def in_batches(self, asked: list[dict[str, Any]]) -> None:
        """The reference's way: the next batch begins when the last answer of the one before is there, and an image is
        opened and encoded for every prompt. Names of their own keep equal images from being known as equal."""
        rest = iter(enumerate(asked))
        while batch := list(itertools.islice(rest, BATCH)):
            prompts = [
                self._prompt(each, _opened(each["image"]))
                | {"multi_modal_uuids": {"image": [f"{each['image']} {number}"]}}
                for number, each in batch
            ]
            self._generate(prompts, [each for _, each in batch])

    def measured(self, way: str, asked: list[dict[str, Any]]) -> dict[str, float]:
        self._llm.reset_prefix_cache()
        self._llm.reset_mm_cache()
        hits, queries = self._prefixes()
        start = time.perf_counter()
        getattr(self, way)(asked)
        seconds = time.perf_counter() - start
        more_hits, more_queries = self._prefixes()
        return {"seconds": seconds, "prefix_hit_rate": (more_hits - hits) / max(1.0, more_queries - queries)}

    def _generate(self, prompts: list[Any], asked: list[dict[str, Any]]) -> None:
        self._llm.generate(prompts, [SamplingParams(**each["sampling"]) for each in asked], use_tqdm=False)

    def _prompt(self, each: dict[str, Any], image: Image.Image) -> dict[str, Any]:
        content = [{"type": "image"}, {"type": "text", "text": each["text"]}]
        text = self._processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        return {"prompt": text, "multi_modal_data": {"image": image}}

    def _prefixes(self) -> tuple[float, float]:
        counts = {metric.name: getattr(metric, "value", 0.0) for metric in self._llm.get_metrics()}
        return counts.get("vllm:prefix_cache_hits", 0.0), counts.get("vllm:prefix_cache_queries", 0.0)


def _opened(path: str) -> Image.Image:
    return Image.open(path).convert("RGB")


def main() -> None:
    specification = json.loads(Path(sys.argv[1]).read_text())
    offline = Offline(specification)
    warm, *sets = specification["sets"]
    offline.in_one_call(warm)
    measured = {
        "offline": [offline.measured("in_one_call", each) for each in sets],
        "offline_by_question": [
            offline.measured("in_one_call", sorted(each, key=lambda one: str(one["text"]))) for each in sets
        ],
        "reference": [offline.measured("in_batches", each) for each in sets],
    }
    print("measured:", json.dumps(measured))


if __name__ == "__main__":
    main()
