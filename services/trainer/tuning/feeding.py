"""Hands pairs to transformers' Trainer in the planned order, as many a forward pass as planned."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from services.trainer.order import Turn, Unit, order_of, passes_of
from services.trainer.packing.packs import packs_of
from services.trainer.packing.trial import Sequences
from services.trainer.plan import Plan
from services.trainer.token_pair import TokenPair


class Pairs(torch.utils.data.Dataset[TokenPair]):
    """The pairs by their turns. `views`: each epoch has a view of the images of its own."""

    def __init__(self, pairs: Sequence[TokenPair], views: bool) -> None:
        self._pairs = pairs
        self._views = views

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, turn: Turn) -> TokenPair:
        pair = self._pairs[turn.pair]
        if self._views:
            pair = replace(pair, view=turn.epoch + 1)
        return pair if turn.counts else filler(pair)


class PassTrainer(Trainer):  # type: ignore[misc]
    """A Trainer whose forward passes are given: for each the turns of its pairs."""

    def __init__(
        self,
        model: Any,
        arguments: TrainingArguments,
        pairs: list[TokenPair],
        passes: list[list[Turn]],
        sequences: Sequences,
        held_out: Sequence[TokenPair] = (),
        views: bool = False,
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=Pairs(pairs, views),
            eval_dataset=list(held_out) or None,
            data_collator=sequences.collate,
        )
        self._passes = passes
        self._passes_a_step: int = arguments.gradient_accumulation_steps * arguments.world_size

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole training."""
        return len(self._passes) // self._passes_a_step

    def pairs_of_step(self, step: int) -> list[TokenPair]:
        """Those of an optimiser step, counted from 1, on all processes together."""
        passes = self._passes_a_step
        turns = (turn for turns in self._passes[(step - 1) * passes : step * passes] for turn in turns)
        return [self.train_dataset[turn] for turn in turns if turn.counts]

    def get_train_dataloader(self) -> Any:
        loader = torch.utils.data.DataLoader(
            self.train_dataset,
            batch_sampler=self._passes,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)


def filler(pair: TokenPair) -> TokenPair:
    """What takes the place of a pair and counts for nothing: it has no answer."""
    return replace(pair, prompt_length=len(pair.ids))


def planned_passes(plan: Plan, pairs: Sequence[TokenPair], grouped: bool, passes: int) -> list[list[Turn]]:
    """All forward passes of the training, `passes` an optimiser step. If `grouped`, an image's pairs are neighbours."""
    units = _units(pairs, plan.settings.pack_length) if grouped else _alone(pairs)
    unit_of = {number: place for place, unit in enumerate(units) for number in unit.pairs}
    order = order_of(units, plan.settings.epochs, plan.settings.batch_size, plan.seed)
    return passes_of(order, [unit_of[number] for number in range(len(pairs))], plan.settings.batch_size, passes)


def _alone(pairs: Sequence[TokenPair]) -> list[Unit]:
    return [Unit((number,), len(pair.ids)) for number, pair in enumerate(pairs)]


def _units(pairs: Sequence[TokenPair], limit: int) -> list[Unit]:
    """Texts without an image are nobody's neighbours."""
    by_image: dict[str | int, list[int]] = {}
    for number, pair in enumerate(pairs):
        by_image.setdefault(pair.image or number, []).append(number)
    units = []
    for numbers in by_image.values():
        taken = iter(numbers)
        for pack in packs_of((pairs[number] for number in numbers), limit):
            units.append(Unit(tuple(next(taken) for _ in pack.pairs), pack.length))
    return units
