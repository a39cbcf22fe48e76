"""The numbers that estimates rest on, each with where it comes from. Reads bench/results, measures nothing."""

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "bench" / "results"
ASSUMED = "assumed"


def _rate(default: float, meaning: str, source: str = ASSUMED) -> Any:
    """`source`: `assumed`, `shape` (follows from the model), or `NAME.json: key` of a bench's result."""
    return field(default=default, metadata={"meaning": meaning, "source": source})


def _measured(bench: str, *path: str | int, meaning: str, per: float = 1.0) -> Any:
    found = json.loads((RESULTS / f"{bench}.json").read_text())
    for name in path:
        found = found[name]
    return _rate(float(found) / per, meaning, f"{bench}.json: {'.'.join(map(str, path))}")


@dataclass(frozen=True)
class Rates:
    """All speeds are of one GPU, process or core. Tokens are means."""

    # The engine: a model of 7 billion parameters in bf16. Nobody has measured it for this project.
    decode_tokens_per_s: float = _rate(8_000, "tokens that one engine GPU writes, with hundreds of requests open")
    prefill_tokens_per_s: float = _rate(30_000, "prompt tokens that one engine GPU reads, beside")
    step_share_of_offline: float = _measured(
        "generation", "vs_offline", meaning="speed of our generation steps over the engine's own offline call"
    )
    describe_tokens: float = _rate(120, "of a description; `describe.max_tokens` is its limit")
    answer_tokens: float = _rate(80, "of an answer of any other step")
    text_tokens: float = _rate(60, "of a prompt beside the image; told label and concepts included")
    image_tokens: float = _rate(576, "of an image", "shape: LLaVA-1.5")
    tries: float = _rate(1.2, "answers asked for a QA pair in synthesise (1 to 1 + resamples)")
    told_share: float = _rate(0.2, "questions of the answer step that end with one told answer more")
    # Training.
    parameters: float = _rate(7.06e9, "of the base model", "shape: LLaVA-1.5-7B")
    lora_parameters_a_rank: float = _rate(2.5e6, "of a LoRA on all its linear layers, for each rank", "shape")
    flops_a_parameter: float = _rate(6, "of a trained token: forward, again for checkpointing, and gradients", "shape")
    gpu_tflops: float = _rate(989, "that the GPU's data sheet gives for dense bf16", "shape: H100 SXM")
    mfu: float = _rate(0.35, "share of them that training reaches")
    packed_speedup: float = _measured(
        "training", "speedup_packed", meaning="of packing at 8 pairs of 100 tokens an image of 576"
    )
    pair_share: float = _rate(0.9, "questions that end in a QA pair")
    exchanged_bytes_per_s: float = _rate(50e9, "of gradients between training GPUs, each way")
    tokenised_pairs_per_s: float = _rate(1_500, "pairs that a training process makes ids of before it begins")
    # Selection.
    encoded_texts_per_s: float = _rate(3_000, "texts that the encoder (335 M parameters) embeds on a GPU")
    clauses_a_description: float = _rate(
        10,
        "each embedded for itself with `evidence: clause`; together as many tokens as the description, so as much work",
    )
    cpu_s_a_billion_pairs: float = _measured(
        "selection",
        "goal_cpu_s_per_billion_pairs",
        meaning="CPU seconds of one thread for a billion pairs of text and concept, 1,024 wide",
    )
    gpu_s_a_billion_pairs: float = _rate(0.2, "the same on a GPU, where the encoder is on one")
    logits_bytes_an_image: float = _rate(10_000, "that selection keeps of an image", "docs/benchmarks.md, Selection")
    concepts_bytes_an_image: float = _measured(
        "scale",
        "selection_memory",
        "concepts_bytes_an_image",
        meaning="memory that an image's 14 chosen concepts take in a worker",
    )
    example_bytes: float = _measured(
        "scale", "selection_memory", "example_bytes", meaning="memory of an image's row in a worker"
    )
    # The coordinator.
    look_cpu_ms: float = _measured(
        "scale", "look_at_a_job", 0, "cpu_ms", meaning="CPU milliseconds of a look at a job, which it does every second"
    )
    look_of_1000_shards_cpu_ms: float = _measured(
        "scale", "look_at_a_job", 2, "cpu_ms", meaning="the same of a job whose step has 1,000 shards"
    )
    # Data, the store, the database.
    ingested_images_per_s: float = _measured(
        "ingest", "images_per_s", per=2, meaning="images (500x375) that one ingest process checks and stores"
    )
    image_bytes: float = _rate(120_000, "of a stored image, long side at most 1,024")
    bytes_a_token: float = _rate(2, "of stored text, compressed")
    bytes_a_row: float = _rate(60, "of a stored row beside its text, compressed")
    store_bytes_per_s: float = _rate(250e6, "that one worker reads from the store")
    get_s: float = _rate(0.02, "seconds of one GET from the store")
    gets_at_once: float = _rate(16, "GETs that a worker has open; parts are read 8 at once")

    def with_changes(self, changes: dict[str, float]) -> "Rates":
        """Raises KeyError with the names there are for one that is none."""
        names = {each.name for each in fields(self)}
        if unknown := sorted(changes.keys() - names):
            raise KeyError(f"no rate {', '.join(unknown)}; there are: {', '.join(sorted(names))}")
        return replace(self, **changes)


def rows_of(rates: Rates) -> list[tuple[str, float, str, str]]:
    """(name, value, meaning, source) of each."""
    return [(f.name, getattr(rates, f.name), f.metadata["meaning"], f.metadata["source"]) for f in fields(rates)]
