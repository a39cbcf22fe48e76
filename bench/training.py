"""Pairs a second of training with packed sequences and with one sequence a pair, side by side in one run.

Both are the product's own: its Trainer, its passes in the same order, the same optimiser steps of the same pairs, the
same threads, each with the attention kernels that the product trains it with and at its own best number of pairs a
forward pass. On the CPU a small model of LLaVA-1.5's proportions in float32; where there is a CUDA device also
LLaVA-1.5-7B's shape in bf16 with LoRA of rank 128 and gradient checkpointing. Weights and data are random: nothing is
downloaded. What computes is torch, transformers and peft, with accelerate, which transformers' Trainer wants; the
product's own modules also import pydantic, structlog, jinja2 and pillow. All come with the lock.

`speedup_packed` is the median over the rounds of measuring, `gradient_error` the relative error of one step's
gradients, `loss_difference` the largest difference of a step's loss between the two ways (the Trainer rounds losses to
four digits), `weight_difference` that of the weights after all steps, relative to how far they moved.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model
from transformers import PrinterCallback, TrainerCallback

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench.shapes.llava import LLAVA_7B, SMALL, Pictures, Shape, pairs_of  # noqa: E402
from services.trainer.packing.packs import packs_of  # noqa: E402
from services.trainer.packing.trial import Sequences, Trial, set_attention  # noqa: E402
from services.trainer.plan import Plan  # noqa: E402
from services.trainer.targets import chosen_layers  # noqa: E402
from services.trainer.token_pair import TokenPair  # noqa: E402
from services.trainer.tuning.arguments import training_arguments  # noqa: E402
from services.trainer.tuning.cost import peak_flops  # noqa: E402
from services.trainer.tuning.feeding import PassTrainer, planned_passes  # noqa: E402
from services.trainer.tuning.lora import layers_of, lora_config  # noqa: E402
from shared.job_settings import TrainSettings  # noqa: E402

RESULTS = ROOT / "bench/results/training.json"
A_PICTURE = 8


@dataclass(frozen=True)
class Setting:
    """One shape on one device. `micro` are the numbers of pairs a forward pass that each way may choose from."""

    shape: Shape
    device: str
    dtype: torch.dtype
    rank: int
    batch: int
    steps: int
    rounds: int
    micro: dict[str, tuple[int, ...]]


CPU = Setting(SMALL, "cpu", torch.float32, 16, 16, 3, 3, {"plain": (1, 2, 4), "packed": (8, 16)})
CUDA = Setting(LLAVA_7B, "cuda", torch.bfloat16, 128, 64, 4, 3, {"plain": (4, 8, 16, 32), "packed": (8, 16, 32, 64)})


@dataclass
class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each optimiser step; the first only warms up."""

    marks: list[float] = field(default_factory=list)

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.marks.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """Of all steps but the first."""
        return self.marks[-1] - self.marks[0]


class Bench:
    """The model, once, and both ways to train it."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting = setting
        self.folder = folder
        self.pairs = pairs_of(setting.shape, setting.batch * setting.steps // A_PICTURE, A_PICTURE)
        settings = self._settings(A_PICTURE)
        base = setting.shape.model(setting.device, setting.dtype)
        base.config.use_cache = False
        chosen = chosen_layers(layers_of(base), settings, "random")
        self.model = get_peft_model(base, lora_config(base, chosen, settings))
        self.initial = torch.cat([weight.detach().float().flatten() for _, weight in self._trained()])
        self._initial = {name: weight.detach().clone() for name, weight in self._trained()}
        self._trial = Trial(self.model, Pictures(), 0, settings.pack_length, setting.dtype == torch.bfloat16)  # type: ignore[arg-type]
        self.ways = {
            "plain": self._trial.sequences(self.pairs, wanted=False),
            "packed": self._trial.sequences(self.pairs, wanted=True),
        }
        if not self.ways["packed"].packed:
            sys.exit(f"this model is not packed: {self.ways['packed'].why_not}")

    def trained(self, way: str, micro: int, steps: int) -> dict[str, Any]:
        """Train from the same weights; seconds, each step's loss, peak memory in GB on CUDA."""
        for name, weight in self._trained():
            weight.data.copy_(self._initial[name])
        # The model is one for both ways: each gets the kernels that the product trains it with.
        set_attention(self.model, self.ways[way].attention)
        clock, trainer = Clock(), self._trainer(self.ways[way], micro, steps)
        trainer.add_callback(clock)
        if self.setting.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        peak = torch.cuda.max_memory_allocated() / 2**30 if self.setting.device == "cuda" else 0.0
        weights = torch.cat([weight.detach().float().flatten() for _, weight in self._trained()])
        return {"seconds": clock.seconds, "losses": losses, "peak_gb": peak, "weights": weights}

    def best_micro(self, way: str) -> int:
        """The fastest number of pairs a forward pass; those that do not fit into memory are passed over."""
        seconds = {}
        for micro in self.setting.micro[way]:
            try:
                seconds[micro] = self.trained(way, micro, 2)["seconds"]
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
        return min(seconds, key=lambda micro: seconds[micro])

    def gradient_error(self) -> float:
        """Of one image's pairs."""
        plain, packed = (self._gradient(self.ways[way]) for way in ("plain", "packed"))
        return float((packed - plain).norm() / plain.norm())

    def _gradient(self, way: Sequences) -> torch.Tensor:
        set_attention(self.model, way.attention)
        return self._trial.gradient(way.collate, [self.pairs[:A_PICTURE]])

    def _trained(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [(name, weight) for name, weight in self.model.named_parameters() if weight.requires_grad]

    def _settings(self, micro: int) -> TrainSettings:
        return TrainSettings(
            lora_rank=self.setting.rank,
            lora_alpha=2 * self.setting.rank,
            lora_dropout=0.0,
            learning_rate=1e-4,
            epochs=1,
            batch_size=self.setting.batch,
            micro_batch_size=micro,
            precision="bf16" if self.setting.dtype == torch.bfloat16 else "float32",
            gradient_checkpointing=self.setting.device == "cuda",
        )

    def _trainer(self, sequences: Sequences, micro: int, steps: int) -> PassTrainer:
        plan = Plan(
            model_path=self.folder,
            base_model="random",
            folder=self.folder,
            images=self.folder,
            settings=self._settings(micro),
            seed=1,
        )
        arguments = training_arguments(plan)
        arguments.save_strategy = "no"
        passes = arguments.gradient_accumulation_steps
        # The order of packed sequences for both: the same pairs in the same optimiser steps.
        planned = planned_passes(plan, self.pairs, grouped=True, passes=passes)[: steps * passes]
        trainer = PassTrainer(self.model, arguments, self.pairs, planned, sequences)
        trainer.remove_callback(PrinterCallback)
        return trainer


def measured(setting: Setting) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(setting, Path(folder))
        figures: dict[str, Any] = {"gradient_error": bench.gradient_error()}
        micro = {way: bench.best_micro(way) for way in bench.ways}
        runs = [
            {way: bench.trained(way, micro[way], setting.steps) for way in bench.ways} for _ in range(setting.rounds)
        ]
    speedups = [run["plain"]["seconds"] / run["packed"]["seconds"] for run in runs]
    pairs = setting.batch * (setting.steps - 1)
    figures |= {"speedup_packed": statistics.median(speedups), "speedups": speedups, "micro_batch": micro}
    figures["loss_difference"] = max(
        abs(one - other) for one, other in zip(runs[0]["plain"]["losses"], runs[0]["packed"]["losses"], strict=True)
    )
    plain, packed = (runs[0][way]["weights"] for way in ("plain", "packed"))
    figures["weight_difference"] = float((packed - plain).norm() / (plain - bench.initial).norm())
    for way in bench.ways:
        seconds = statistics.median(run[way]["seconds"] for run in runs)
        figures[f"{way}_pairs_per_s"] = pairs / seconds
        if setting.device == "cuda":
            figures[f"{way}_peak_gb"] = runs[0][way]["peak_gb"]
            figures[f"{way}_mfu"] = _flops(setting.shape, bench.pairs) / len(bench.pairs) * pairs / seconds / _peak()
    return figures


def _flops(shape: Shape, pairs: list[TokenPair]) -> float:
    """Of the tokens that count: what an image's pairs share once, for both ways."""
    packs = packs_of(pairs, sys.maxsize)
    tokens = sum(pack.length for pack in packs)
    seen = sum(
        pack.shared**2 // 2
        + sum(own * (pack.shared + own // 2) for own in (len(p.ids) - pack.shared for p in pack.pairs))
        for pack in packs
    )
    return shape.flops(tokens, seen, len(packs))


def _peak() -> float:
    """Of this device; not known: infinite, so that MFU reads 0."""
    return peak_flops() or float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="on the CPU, the same for both ways")
    torch.set_num_threads(parser.parse_args().threads)
    figures: dict[str, Any] = {"threads": torch.get_num_threads(), **measured(CPU)}
    if torch.cuda.is_available():
        figures["llava_7b_shape"] = {"device": torch.cuda.get_device_name(), **measured(CUDA)}
    text = json.dumps(figures, indent=1)
    print(text)
    RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
