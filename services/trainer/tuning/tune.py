"""The fine-tuning itself: pairs, model and transformers' Trainer put together. Runs in the subprocess only."""

import signal
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import PrinterCallback, TrainerState, TrainingArguments, set_seed

from services.trainer.notes import Result
from services.trainer.parallel.zero import check_checkpoint, whole
from services.trainer.plan import Plan, TrainPair, read_pairs
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.arguments import training_arguments
from services.trainer.tuning.augmenting import Views
from services.trainer.tuning.cost import cost_of, peak_flops
from services.trainer.tuning.diverging import NotFinite, diverged
from services.trainer.tuning.early_stopping import EarlyStop, best_step, is_over, take_best
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.feeding import planned_passes
from services.trainer.tuning.leaving import as_served, save_adapter
from services.trainer.tuning.lora import base_precision_of, build_model, layers_of, precision_of, sketched
from services.trainer.tuning.pace import Stopwatch
from services.trainer.tuning.probing import probes_of
from services.trainer.tuning.processing import load_processor
from services.trainer.tuning.reporter import Reporter
from services.trainer.tuning.sequencing import KeepSequencing, Sequencing, sequencing_of
from services.trainer.tuning.tracking import trackers_of
from services.trainer.tuning.trainer import TuningTrainer
from shared.errors import TooFewPairs
from shared.types.probes import PROBES


def tune(plan: Plan) -> None:
    """Train as planned, from the plan's checkpoint if it has one, and leave adapter and result in its folder.

    Raises TooFewPairs when no pair is left to train on, UserFault when the loss stops being a number. On SIGTERM it
    leaves a checkpoint and no result.
    """
    watch = Stopwatch(plan.processes, peak_flops())
    torch.set_num_threads(plan.threads)
    set_seed(plan.seed)
    processor = load_processor(plan.model_path)
    encoder = PairEncoder(
        processor, plan.images, Views(plan.seed, plan.settings.augmentations), plan.settings.label_weight
    )
    asked = read_pairs(plan)
    longest = plan.settings.max_length
    own, dropped = encode_all(encoder, (pair for pair in asked if not pair.held_out and not pair.general), longest)
    held_out, _ = encode_all(encoder, (pair for pair in asked if pair.held_out), longest)
    mixed_in, dropped_general = _mixed_in(plan, encoder, [pair for pair in asked if pair.general])
    pairs = own + mixed_in
    if not own or (plan.settings.early_stopping and not held_out):
        raise _nothing_left(plan, dropped)
    # Before the model: they say where it goes.
    arguments = training_arguments(plan)
    model = build_model(plan)
    pad_id = processor.tokenizer.pad_token_id or 0
    sequencing = sequencing_of(plan, arguments.device, model, encoder, pad_id, pairs)
    trainer = _trainer(plan, arguments, model, pairs, sequencing, held_out)
    cost = cost_of(plan, model, sequencing.sequences.packed)
    reporter = Reporter(plan, len(pairs), trainer.pairs_of_step, watch, cost)
    trainer.add_callback(reporter)
    if trainer.is_world_process_zero():
        if sequencing.news:
            reporter.remark(sequencing.news)
        for tracker in trackers_of(plan):
            trainer.add_callback(tracker)
    signal.signal(signal.SIGTERM, reporter.stop_soon)
    try:
        _train(plan, trainer)
    except NotFinite as fault:
        raise diverged(fault, encoder, asked) from fault
    if reporter.stopping or not (trainer.is_world_process_zero() or plan.parallel == "zero3"):
        return
    with whole((weight for weight in model.parameters() if weight.requires_grad), change=True):
        if trainer.is_world_process_zero():
            if plan.best.exists():
                set_peft_model_state_dict(model, load_file(plan.best))
            save_adapter(plan, model)
    probes = probes_of(plan, as_served(plan, model), encoder, [pair for pair in asked if not pair.general])
    if trainer.is_world_process_zero():
        (plan.trained / PROBES).write_text(probes.model_dump_json())
        _leave(
            plan,
            model,
            trainer,
            reporter,
            dropped,
            sequencing.sequences.why_not,
            watch,
            (len(mixed_in), dropped_general),
        )


def _mixed_in(plan: Plan, encoder: PairEncoder, general: list[TrainPair]) -> tuple[list[TokenPair], dict[str, int]]:
    """Of the instruction pairs those that can be trained on, and how many were dropped for which reason.

    Several processes take none without image: one whose pass holds no image would leave the others waiting for its
    projector's gradients."""
    with_texts = plan.processes == 1 and encoder.takes_texts
    fit = [pair for pair in general if pair.image or with_texts]
    kept, dropped = encode_all(encoder, fit, plan.settings.max_length)
    return kept, dropped | ({"no_image": without} if (without := len(general) - len(fit)) else {})


def _train(plan: Plan, trainer: TuningTrainer) -> None:
    """Also from a checkpoint at which early stopping has ended training: then nothing is left but to deliver. Weights
    that are shared out need the engine for that: they go on to the next validation, which ends training again."""
    if trainer.is_world_process_zero():
        take_best(plan)
    if plan.checkpoint:
        check_checkpoint(plan.checkpoint, plan.processes if plan.parallel != "ddp" else 0)
    if plan.checkpoint and plan.settings.early_stopping and plan.parallel != "zero3":
        state = TrainerState.load_from_json(str(plan.checkpoint / "trainer_state.json"))
        if is_over(state.log_history, plan.settings.early_stopping.patience):
            trainer.state = state
            return
    trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint else None)


def _leave(
    plan: Plan,
    model: Any,
    trainer: TuningTrainer,
    reporter: Reporter,
    dropped: dict[str, int],
    not_packed: str,
    watch: Stopwatch,
    general: tuple[int, dict[str, int]],
) -> None:
    """The result is written last: where it is, the adapter is complete."""
    history = trainer.state.log_history
    result = Result(
        losses=reporter.points(history),
        pairs=reporter.pairs,
        instruction_pairs=general[0],
        dropped_instructions=general[1],
        dropped=dropped,
        precision=precision_of(plan),
        base_precision=base_precision_of(model),
        untrained=layers_of(sketched(plan.model_path)).untrained,
        device=trainer.args.device.type,
        not_packed=not_packed,
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        seconds=watch.seconds,
        pace=watch.pace(steps_left=0),
        held_out=len(trainer.eval_dataset or ()),
        best_step=best_step(history),
        stopped_early=trainer.state.global_step < trainer.steps,
    )
    plan.result.write_text(result.model_dump_json())


def _trainer(
    plan: Plan,
    arguments: TrainingArguments,
    model: Any,
    pairs: list[TokenPair],
    sequencing: Sequencing,
    held_out: list[TokenPair],
) -> TuningTrainer:
    forward_passes = arguments.gradient_accumulation_steps * plan.processes
    passes = planned_passes(plan, pairs, sequencing.grouped, forward_passes)
    views = bool(plan.settings.augmentations)
    trainer = TuningTrainer(model, arguments, pairs, passes, sequencing.sequences, held_out, views)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(KeepSequencing(plan, sequencing))
    if plan.settings.early_stopping:
        trainer.add_callback(EarlyStop(plan.settings.early_stopping.patience))
    return trainer


def _nothing_left(plan: Plan, dropped: dict[str, int]) -> TooFewPairs:
    counts = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return TooFewPairs(
        f"all {sum(dropped.values())} QA pairs were dropped before training ({counts}; "
        f"train.max_length is {plan.settings.max_length} tokens)",
        remedy="Raise train.max_length up to the model's positions, or ask for shorter answers.",
    )
