"""The shipped tokenizer, chat template and processor: one BOS, prompts are prefixes, training and serving agree."""

import random
from typing import Any

import pytest
import torch
from PIL import Image

from selfsynth.demo.base.architecture import IMAGE_TOKENS, POSITIONS
from selfsynth.demo.base.exercises import encode
from selfsynth.demo.base.language import exercise_loss
from selfsynth.demo.base.lessons import Lesson, lesson
from selfsynth.demo.base.pictures import random_birds
from selfsynth.demo.base.speech import Speaker
from selfsynth.demo.base.train import CHECKPOINT
from selfsynth.demo.base.vision import image_tokens
from selfsynth.demo.world.scene import random_scene, render

QUESTION, ANSWER = "What kind of bird is this, and why?", "This is the Meadow Wren. It has a red crown."


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return Speaker(CHECKPOINT)


def conversation(image: Image.Image, answer: str | None = None) -> list[dict[str, Any]]:
    user = {"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": QUESTION}]}
    return [user, {"role": "assistant", "content": [{"type": "text", "text": answer}]}] if answer else [user]


def ids(speaker: Speaker, messages: list[dict[str, Any]], prompt: bool) -> list[int]:
    inputs = speaker.processor.apply_chat_template(
        messages, add_generation_prompt=prompt, tokenize=True, return_dict=True, return_tensors="pt"
    )
    return [int(token) for token in inputs["input_ids"][0]]


def test_bos_stands_once_at_the_start_and_the_answer_ends_with_eos(speaker: Speaker) -> None:
    tokenizer = speaker.processor.tokenizer
    whole = ids(speaker, conversation(Image.new("RGB", (64, 64)), ANSWER), prompt=False)
    assert whole[0] == tokenizer.bos_token_id
    assert whole.count(tokenizer.bos_token_id) == 1
    assert whole[-1] == tokenizer.eos_token_id
    assert whole.count(tokenizer.eos_token_id) == 1
    assert whole.count(speaker.model.config.image_token_index) == IMAGE_TOKENS


def test_a_prompt_is_a_prefix_of_the_whole_conversation(speaker: Speaker) -> None:
    image = Image.new("RGB", (64, 64))
    prompt = ids(speaker, conversation(image), prompt=True)
    whole = ids(speaker, conversation(image, ANSWER), prompt=False)
    assert whole[: len(prompt)] == prompt
    assert speaker.processor.tokenizer.decode(whole[len(prompt) : -1]) == " " + ANSWER


def test_the_rendered_form_is_that_of_llava(speaker: Speaker) -> None:
    text = speaker.processor.apply_chat_template(conversation(Image.new("RGB", (64, 64)), ANSWER), tokenize=False)
    assert text == f"<s>USER: <image>\n{QUESTION} ASSISTANT: {ANSWER}</s>"


def test_the_tokenizer_adds_nothing_of_its_own(speaker: Speaker) -> None:
    tokenizer = speaker.processor.tokenizer
    assert tokenizer("a bird").input_ids == tokenizer("a bird", add_special_tokens=False).input_ids


@pytest.mark.parametrize("text", ["Šárka's bird – 42 °C", "<pad> <s> is text", "\ttabs\nand lines"])
def test_any_text_survives_a_round_trip(speaker: Speaker, text: str) -> None:
    tokenizer = speaker.processor.tokenizer
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_plain_string_contents_and_image_urls_render_too(speaker: Speaker) -> None:
    render_ = speaker.processor.tokenizer.apply_chat_template
    plain = render_([{"role": "user", "content": "Hello"}], tokenize=False, add_generation_prompt=True)
    assert plain == "<s>USER: Hello ASSISTANT:"
    parts = [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert render_([{"role": "user", "content": parts}], tokenize=False) == "<s>USER: <image>\nHello "


def test_training_encodes_exactly_what_the_processor_serves(speaker: Speaker) -> None:
    exercise = encode(speaker.processor.tokenizer, 0, Lesson(QUESTION, ANSWER))
    image = Image.new("RGB", (64, 64))
    assert exercise.prompt == ids(speaker, conversation(image), prompt=True)
    assert exercise.prompt + exercise.answer == ids(speaker, conversation(image, ANSWER), prompt=False)


def test_every_lesson_fits_the_model(speaker: Speaker) -> None:
    rng = random.Random(0)
    exercises = [encode(speaker.processor.tokenizer, 0, lesson(random_scene(rng), rng)) for _ in range(500)]
    assert max(map(len, exercises)) < POSITIONS / 2


def test_the_pixels_of_training_are_those_of_the_processor(speaker: Speaker) -> None:
    scenes, pixels = random_birds(4, seed=5)
    served = speaker.processor.image_processor([Image.fromarray(render(s)) for s in scenes], return_tensors="pt")
    torch.testing.assert_close(served["pixel_values"], pixels, atol=1e-4, rtol=1e-4)


def test_the_loss_of_training_is_that_of_the_whole_model(speaker: Speaker) -> None:
    scenes, pixels = random_birds(1, seed=6)
    exercise = encode(speaker.processor.tokenizer, 0, lesson(scenes[0], random.Random(0)))
    labels = torch.tensor([[-100] * len(exercise.prompt) + exercise.answer])
    with torch.no_grad():
        ours = exercise_loss(speaker.model, [exercise], image_tokens(speaker.model, pixels))
        whole = speaker.model(
            input_ids=torch.tensor([exercise.prompt + exercise.answer]), pixel_values=pixels, labels=labels
        )
    torch.testing.assert_close(ours, whole.loss, atol=1e-4, rtol=1e-4)
