"""A job's settings in the words of transformers' Trainer."""

import torch
from transformers import TrainingArguments

from services.trainer.parallel.zero import join_on_cpus, zero_config
from services.trainer.plan import Plan, accumulation_of
from services.trainer.tuning.lora import precision_of

CHECKPOINTING = {"use_reentrant": False}


def training_arguments(plan: Plan) -> TrainingArguments:
    """They connect this process with the others, and from then on models are shared out as the plan says."""
    settings = plan.settings
    zero = zero_config(plan.parallel)
    on_cpu = not torch.cuda.is_available()
    if zero and on_cpu:
        join_on_cpus()
    micro, passes = accumulation_of(settings, plan.processes)
    return TrainingArguments(
        output_dir=str(plan.folder / "trainer"),
        num_train_epochs=1,
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=passes,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else settings.schedule,
        warmup_steps=min(settings.warmup_ratio, 0.999999),  # below 1 it is a share of all steps
        weight_decay=settings.weight_decay,
        adam_beta2=settings.adam_beta2,
        seed=plan.seed,
        bf16=precision_of(plan) == "bf16",
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs=CHECKPOINTING,
        save_steps=settings.checkpoint_every,
        eval_strategy="steps" if settings.early_stopping else "no",
        eval_steps=settings.checkpoint_every,
        logging_steps=1,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        # The passes are as many as the processes need (order.passes_of).
        accelerator_config={"even_batches": False, "use_configured_state": bool(zero and on_cpu)},
        # Without it several processes on CPUs would each train alone.
        use_cpu=on_cpu,
        deepspeed=zero,
        dataloader_pin_memory=not on_cpu,
        report_to="none",
        run_name=plan.run_name,
        disable_tqdm=True,
    )
