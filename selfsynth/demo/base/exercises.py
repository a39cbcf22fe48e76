"""What the language model practises, as token ids: lessons about images, and rehearsals of plain copying.

Rehearsals come first. From lessons alone copying forms late and stays sloppy (after 4,500 steps .63 of told features
were quoted, and half of the answers repeated one); a few hundred steps of repeating random tokens form it cleanly.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from selfsynth.demo.base.architecture import IMAGE_TOKENS
from selfsynth.demo.base.lessons import Lesson, Mix, lesson
from selfsynth.demo.base.text import IMAGE
from selfsynth.demo.world.scene import Scene

_LESSONS_A_CHUNK = 3000
_REHEARSALS_A_BATCH = 32
_LONGEST_REHEARSAL = 40
_LONGEST_GAP = 12


@dataclass(frozen=True)
class Exercise:
    """A prompt and its answer as token ids; the loss counts the answer only."""

    image: int
    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def encode(tokenizer: PreTrainedTokenizerFast, image: int, given: Lesson) -> Exercise:
    """Token ids from the chat template, with as many image tokens as the processor would put in."""
    question = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": given.question}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": given.answer}]}
    asked = tokenizer.apply_chat_template([question], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([question, answer], tokenize=False)
    prompt = tokenizer(asked.replace(IMAGE, IMAGE * IMAGE_TOKENS)).input_ids
    return Exercise(image, prompt, tokenizer(whole[len(asked) :]).input_ids)


def lesson_batches(
    tokenizer: PreTrainedTokenizerFast, scenes: list[Scene], rng: random.Random, tokens_a_batch: int, mix: Mix
) -> Iterator[list[Exercise]]:
    """Endless batches of lessons of like length, each of about `tokens_a_batch` tokens."""
    while True:
        images = rng.sample(range(len(scenes)), min(_LESSONS_A_CHUNK, len(scenes)))
        exercises = [encode(tokenizer, image, lesson(scenes[image], rng, mix)) for image in images]
        exercises.sort(key=lambda one: len(one) + 4 * rng.random())
        chunk: list[list[Exercise]] = [[]]
        for exercise in exercises:
            longest = max(map(len, (*chunk[-1], exercise)))
            if longest * (len(chunk[-1]) + 1) > tokens_a_batch:
                chunk.append([])
            chunk[-1].append(exercise)
        rng.shuffle(chunk)
        yield from chunk


def rehearsal_batches(tokenizer: PreTrainedTokenizerFast, images: int, rng: random.Random) -> Iterator[list[Exercise]]:
    """Endless batches: any image, random tokens, a gap of other tokens, then the first ones again."""
    ordinary = sorted(set(range(len(tokenizer))) - set(tokenizer.all_special_ids))
    start = [tokenizer.bos_token_id, *[tokenizer.convert_tokens_to_ids(IMAGE)] * IMAGE_TOKENS]
    cue = tokenizer("ASSISTANT:").input_ids
    while True:
        batch = []
        for _ in range(_REHEARSALS_A_BATCH):
            told = rng.choices(ordinary, k=rng.randint(8, _LONGEST_REHEARSAL))
            gap = rng.choices(ordinary, k=rng.randint(0, _LONGEST_GAP))
            prompt = [*start, *told, *gap, *cue]
            batch.append(Exercise(rng.randrange(images), prompt, [*told, tokenizer.eos_token_id]))
        yield batch
