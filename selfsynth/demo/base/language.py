"""Stage two: projector and Llama practise on top of the frozen tower, whose image tokens are computed once."""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from selfsynth.demo.base.exercises import Exercise, lesson_batches, rehearsal_batches
from selfsynth.demo.base.lessons import Mix
from selfsynth.demo.base.optimisers import Optimisers
from selfsynth.demo.base.vision import image_tokens
from selfsynth.demo.world.scene import Scene

log = logging.getLogger(__name__)
_IGNORED = -100
_TOKENS_A_BATCH = 2048
_STEPS_A_REHEARSAL = 8
_LOGGED_STEPS = 50


@dataclass(frozen=True)
class Stage:
    """Steps with one mix of lessons (None: rehearsals of plain copying alone) and rates of their own, which decay over
    the second half. Among lessons every eighth step rehearses."""

    title: str
    steps: int
    mix: Mix | None
    muon: float = 0.02
    adam: float = 2e-3


def train_language(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    scenes: list[Scene],
    pixels: Tensor,
    course: Sequence[Stage],
    seed: int = 1,
) -> None:
    """Train projector and language model in place, stage after stage."""
    model.model.vision_tower.requires_grad_(False)
    with torch.no_grad():
        seen = torch.cat([image_tokens(model, part) for part in torch.split(pixels, 256)])
    rng = random.Random(seed)
    copying = rehearsal_batches(tokenizer, len(scenes), rng)
    for stage in course:
        batches = copying
        if stage.mix:
            batches = _mixed(lesson_batches(tokenizer, scenes, rng, _TOKENS_A_BATCH, stage.mix), copying)
        _practise(model, batches, seen, stage)


def exercise_loss(model: LlavaForConditionalGeneration, batch: list[Exercise], seen: Tensor) -> Tensor:
    """Mean cross entropy over the answers' tokens; `seen` is (images, image tokens, width) of the tower.

    Padding stands right, where causal attention never looks.
    """
    ids, wanted = _padded(batch)
    inner = model.model
    embedded = inner.language_model.get_input_embeddings()(ids)
    projected = inner.multi_modal_projector(seen[[one.image for one in batch]])
    places = (ids == model.config.image_token_index).unsqueeze(-1).expand_as(embedded)
    states = inner.language_model(inputs_embeds=embedded.masked_scatter(places, projected), use_cache=False)
    shifted, following = states.last_hidden_state[:, :-1], wanted[:, 1:]
    counted = following != _IGNORED
    return functional.cross_entropy(model.lm_head(shifted[counted]), following[counted])


def _practise(
    model: LlavaForConditionalGeneration, batches: Iterator[list[Exercise]], seen: Tensor, stage: Stage
) -> None:
    inner = model.model
    trained = [inner.multi_modal_projector, inner.language_model]
    optimisers = Optimisers(trained, [], stage.steps, muon=stage.muon, adam=stage.adam)
    started, recent = time.monotonic(), 0.0
    for step in range(stage.steps):
        loss = exercise_loss(model, next(batches), seen)
        optimisers.step(step, loss)
        recent += loss.item() / _LOGGED_STEPS
        if step % _LOGGED_STEPS == _LOGGED_STEPS - 1:
            log.info("%s step %d loss %.3f after %.0f s", stage.title, step + 1, recent, time.monotonic() - started)
            recent = 0.0


def _mixed(lessons: Iterator[list[Exercise]], copying: Iterator[list[Exercise]]) -> Iterator[list[Exercise]]:
    while True:
        for _ in range(_STEPS_A_REHEARSAL - 1):
            yield next(lessons)
        yield next(copying)


def _padded(batch: list[Exercise]) -> tuple[Tensor, Tensor]:
    """Ids and wanted ids, both (batch, longest); what does not count is _IGNORED."""
    width = max(map(len, batch))
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    wanted = torch.full((len(batch), width), _IGNORED)
    for row, one in enumerate(batch):
        ids[row, : len(one)] = torch.tensor(one.prompt + one.answer)
        wanted[row, len(one.prompt) : len(one)] = torch.tensor(one.answer)
    return ids, wanted
