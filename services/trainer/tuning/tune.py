"""The fine-tuning itself: pairs, model and transformers' Trainer put together. Runs in the subprocess only."""

import signal
import time
from typing import Any

import torch
from transformers import AutoProcessor, PrinterCallback, set_seed

from services.trainer.packing.trial import Sequences, Trial
from services.trainer.plan import Plan, Result, read_pairs
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.arguments import training_arguments
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.feeding import PassTrainer, planned_passes
from services.trainer.tuning.lora import build_model, precision_of
from services.trainer.tuning.probing import probes_of
from services.trainer.tuning.reporter import Reporter
from shared.errors import TooFewPairs
from shared.types.probes import PROBES


def tune(plan: Plan) -> None:
    """Train as planned, from the plan's checkpoint if it has one, and leave adapter and result in its folder.

    Raises TooFewPairs when no pair is left to train on, UserFault when the loss stops being a number. On SIGTERM it
    leaves a checkpoint and no result.
    """
    began = time.monotonic()
    torch.set_num_threads(plan.threads)
    set_seed(plan.seed)
    processor = AutoProcessor.from_pretrained(plan.model_path)
    encoder = PairEncoder(processor, plan.images)
    pairs, dropped = encode_all(encoder, read_pairs(plan), plan.settings.max_length)
    if not pairs:
        raise _nothing_left(plan, dropped)
    model = build_model(plan)
    reporter = Reporter(plan, len(pairs))
    sequences = _sequences(plan, model, encoder, processor.tokenizer.pad_token_id or 0, pairs)
    trainer = _trainer(plan, model, pairs, sequences)
    trainer.add_callback(reporter)
    signal.signal(signal.SIGTERM, reporter.stop_soon)
    trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint else None)
    if not reporter.stopping and trainer.is_world_process_zero():
        probes = probes_of(plan, model, encoder, read_pairs(plan))
        plan.trained.mkdir(exist_ok=True)
        (plan.trained / PROBES).write_text(probes.model_dump_json())
        _leave(plan, model, trainer, reporter, dropped, sequences.why_not, time.monotonic() - began)


def _leave(
    plan: Plan,
    model: Any,
    trainer: PassTrainer,
    reporter: Reporter,
    dropped: dict[str, int],
    not_packed: str,
    seconds: float,
) -> None:
    """The result is written last: where it is, the adapter is complete."""
    # The adapter names its base by the name it is served under, not by where its files lie on this machine.
    model.peft_config["default"].base_model_name_or_path = plan.base_model
    model.save_pretrained(plan.trained, save_embedding_layers=False)
    result = Result(
        losses=tuple(reporter.point_of(entry) for entry in trainer.state.log_history if "loss" in entry),
        pairs=reporter.pairs,
        dropped=dropped,
        precision=precision_of(plan),
        device=trainer.args.device.type,
        not_packed=not_packed,
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        seconds=seconds,
    )
    plan.result.write_text(result.model_dump_json())


def _sequences(plan: Plan, model: Any, encoder: PairEncoder, pad_id: int, pairs: list[TokenPair]) -> Sequences:
    """Tried where the model will be trained: another device may compute otherwise."""
    if torch.cuda.is_available():
        model.cuda()
    trial = Trial(model, encoder, pad_id, plan.settings.pack_length, autocast=precision_of(plan) == "bf16")
    return trial.sequences(pairs, wanted=plan.settings.packing == "auto")


def _trainer(plan: Plan, model: Any, pairs: list[TokenPair], sequences: Sequences) -> PassTrainer:
    arguments = training_arguments(plan)
    forward_passes = arguments.gradient_accumulation_steps * plan.processes
    passes = planned_passes(plan, pairs, sequences.packed, forward_passes)
    trainer = PassTrainer(model, arguments, pairs, passes, sequences)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _nothing_left(plan: Plan, dropped: dict[str, int]) -> TooFewPairs:
    counts = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return TooFewPairs(
        f"all {sum(dropped.values())} QA pairs were dropped before training ({counts}; "
        f"train.max_length is {plan.settings.max_length} tokens)",
        remedy="Raise train.max_length up to the model's positions, or ask for shorter answers.",
    )
