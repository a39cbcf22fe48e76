"""The fine-tuning itself: pairs, model and transformers' Trainer put together. Runs in the subprocess only."""

import shutil
import signal
import time
from typing import Any

import torch
from transformers import AutoProcessor, PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

from services.trainer.collate import PairCollator, PairEncoder, TokenPair, encode_all
from services.trainer.lora import build_model, precision_of
from services.trainer.plan import CheckpointMade, Plan, Result, StepDone, accumulation_of, order_of, read_pairs
from services.trainer.probing import probes_of
from shared.errors import TooFewPairs, UserFault
from shared.types.probes import PROBES
from shared.types.records import LossPoint


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
    trainer = _trainer(
        plan, model, _in_order(plan, pairs), PairCollator(encoder, processor.tokenizer.pad_token_id or 0)
    )
    trainer.add_callback(reporter)
    signal.signal(signal.SIGTERM, reporter.stop_soon)
    trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint else None)
    if not reporter.stopping and trainer.is_world_process_zero():
        probes = probes_of(plan, model, encoder, read_pairs(plan))
        plan.trained.mkdir(exist_ok=True)
        (plan.trained / PROBES).write_text(probes.model_dump_json())
        _leave(plan, model, trainer, reporter, dropped, time.monotonic() - began)


def _leave(
    plan: Plan, model: Any, trainer: Trainer, reporter: "Reporter", dropped: dict[str, int], seconds: float
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
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        seconds=seconds,
    )
    plan.result.write_text(result.model_dump_json())


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Notes each optimiser step and each complete checkpoint; turns SIGTERM into a checkpoint and the end."""

    def __init__(self, plan: Plan, pairs: int) -> None:
        self._plan = plan
        self.pairs = pairs
        self._total = 0
        self.stopping = False

    def stop_soon(self, signum: int, frame: Any) -> None:
        self.stopping = True

    def point_of(self, entry: dict[str, Any]) -> LossPoint:
        done = min(entry["step"] * self._plan.settings.batch_size / self.pairs, self._plan.settings.epochs)
        return LossPoint(step=entry["step"], epoch=done, loss=entry["loss"], learning_rate=entry["learning_rate"])

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.stopping:
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return
        if not torch.isfinite(torch.tensor(entry["loss"])):
            raise UserFault(
                f"the training loss is {entry['loss']} at optimiser step {state.global_step}",
                remedy="Lower train.learning_rate, or train in float32.",
                code="training_diverged",
            )
        if state.is_world_process_zero:
            self._note(StepDone(total=state.max_steps, point=self.point_of(entry)))

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Called when the files are all there; a renamed folder cannot be taken for a half-written one."""
        if state.is_world_process_zero:
            made = self._plan.folder / "trainer" / f"checkpoint-{state.global_step}"
            complete = self._plan.folder / f"complete-{state.global_step}"
            shutil.rmtree(complete, ignore_errors=True)
            made.rename(complete)
            self._note(CheckpointMade(step=state.global_step, folder=complete))

    def _note(self, note: StepDone | CheckpointMade) -> None:
        with self._plan.notes.open("a") as notes:
            notes.write(f"{note.model_dump_json()}\n")


def _in_order(plan: Plan, pairs: list[TokenPair]) -> list[TokenPair]:
    settings = plan.settings
    lengths = [len(pair.ids) for pair in pairs]
    return [pairs[number] for number in order_of(lengths, settings.epochs, settings.batch_size, plan.seed)]


class InOrderTrainer(Trainer):  # type: ignore[misc]
    """Takes the pairs in the order they are given: order and epochs are already in it (plan.order_of)."""

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler[int]:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def _trainer(plan: Plan, model: Any, sequence: list[TokenPair], collator: PairCollator) -> Trainer:
    trainer = InOrderTrainer(model=model, args=training_arguments(plan), train_dataset=sequence, data_collator=collator)
    trainer.remove_callback(PrinterCallback)
    return trainer


def training_arguments(plan: Plan) -> TrainingArguments:
    settings = plan.settings
    micro, passes = accumulation_of(settings, plan.processes)
    return TrainingArguments(
        output_dir=str(plan.folder / "trainer"),
        num_train_epochs=1,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=passes,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else settings.schedule,
        warmup_steps=min(settings.warmup_ratio, 0.999999),  # below 1 it is a share of all steps
        weight_decay=settings.weight_decay,
        adam_beta2=settings.adam_beta2,
        seed=plan.seed,
        bf16=precision_of(plan) == "bf16",
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        save_steps=settings.checkpoint_every,
        logging_steps=1,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
    )


def _nothing_left(plan: Plan, dropped: dict[str, int]) -> TooFewPairs:
    counts = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return TooFewPairs(
        f"all {sum(dropped.values())} QA pairs were dropped before training ({counts}; "
        f"train.max_length is {plan.settings.max_length} tokens)",
        remedy="Raise train.max_length up to the model's positions, or ask for shorter answers.",
    )
