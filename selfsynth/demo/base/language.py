"""Stage two: projector and Llama learn the lessons on top of the frozen tower, whose image tokens are computed once.

Copying a told name is a skill that appears late and suddenly; the run is long enough that it does, and the abilities
measured afterwards say whether it did.
"""

import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from selfsynth.demo.base.architecture import IMAGE_TOKENS
from selfsynth.demo.base.lessons import Lesson, lesson
from selfsynth.demo.base.optimisers import Optimisers
from selfsynth.demo.base.text import IMAGE
from selfsynth.demo.base.vision import image_tokens
from selfsynth.demo.world.scene import Scene

log = logging.getLogger(__name__)
_IGNORED = -100
_TOKENS_A_BATCH = 2048
_LESSONS_A_CHUNK = 3000


@dataclass(frozen=True)
class Exercise:
    """A lesson as token ids; the loss counts the answer only."""

    image: int
    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Phase:
    """A stretch of training with rates of its own."""

    steps: int
    muon: float
    adam: float
    seed: int


def encode(tokenizer: PreTrainedTokenizerFast, image: int, given: Lesson) -> Exercise:
    """Token ids from the chat template, with as many image tokens as the processor would put in."""
    question = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": given.question}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": given.answer}]}
    asked = tokenizer.apply_chat_template([question], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([question, answer], tokenize=False)
    prompt = tokenizer(asked.replace(IMAGE, IMAGE * IMAGE_TOKENS)).input_ids
    return Exercise(image, prompt, tokenizer(whole[len(asked) :]).input_ids)


def train_language(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    scenes: list[Scene],
    pixels: Tensor,
    phases: list[Phase],
) -> None:
    """Train projector and language model in place, phase after phase."""
    model.model.vision_tower.requires_grad_(False)
    with torch.no_grad():
        seen = torch.cat([image_tokens(model, part) for part in torch.split(pixels, 256)])
    for number, phase in enumerate(phases):
        _train_phase(model, tokenizer, scenes, seen, phase, f"phase {number + 1}")


def _train_phase(
    model: LlavaForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    scenes: list[Scene],
    seen: Tensor,
    phase: Phase,
    title: str,
) -> None:
    inner = model.model
    optimisers = Optimisers(
        [inner.multi_modal_projector, inner.language_model], [], phase.steps, muon=phase.muon, adam=phase.adam
    )
    batches = _batches(tokenizer, scenes, random.Random(phase.seed))
    started, recent = time.monotonic(), 0.0
    for step in range(phase.steps):
        loss = exercise_loss(model, next(batches), seen)
        optimisers.step(step, loss)
        recent += loss.item() / 50
        if step % 50 == 49:
            log.info("%s step %d loss %.3f after %.0f s", title, step + 1, recent, time.monotonic() - started)
            recent = 0.0


def _batches(tokenizer: PreTrainedTokenizerFast, scenes: list[Scene], rng: random.Random) -> Iterator[list[Exercise]]:
    """Endless batches of exercises of like length, each of about _TOKENS_A_BATCH tokens."""
    while True:
        images = rng.sample(range(len(scenes)), min(_LESSONS_A_CHUNK, len(scenes)))
        exercises = [encode(tokenizer, image, lesson(scenes[image], rng)) for image in images]
        exercises.sort(key=lambda one: len(one) + 4 * rng.random())
        chunk: list[list[Exercise]] = [[]]
        for exercise in exercises:
            longest = max(map(len, (*chunk[-1], exercise)))
            if longest * (len(chunk[-1]) + 1) > _TOKENS_A_BATCH:
                chunk.append([])
            chunk[-1].append(exercise)
        rng.shuffle(chunk)
        yield from chunk


def exercise_loss(model: LlavaForConditionalGeneration, batch: list[Exercise], seen: Tensor) -> Tensor:
    """Mean cross entropy over the answers' tokens. Padding stands right, where causal attention never looks."""
    width = max(map(len, batch))
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    wanted = torch.full((len(batch), width), _IGNORED)
    for row, one in enumerate(batch):
        ids[row, : len(one)] = torch.tensor(one.prompt + one.answer)
        wanted[row, len(one.prompt) : len(one)] = torch.tensor(one.answer)
    inner = model.model
    embedded = inner.language_model.get_input_embeddings()(ids)
    projected = inner.multi_modal_projector(seen[[one.image for one in batch]])
    places = (ids == model.config.image_token_index).unsqueeze(-1).expand_as(embedded)
    hidden = inner.language_model(
        inputs_embeds=embedded.masked_scatter(places, projected.to(embedded.dtype)), use_cache=False
    )
    shifted, following = hidden.last_hidden_state[:, :-1], wanted[:, 1:]
    counted = following != _IGNORED
    return functional.cross_entropy(model.lm_head(shifted[counted]), following[counted])
