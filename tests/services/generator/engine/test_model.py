"""The model without HTTP: where answers end, and what is computed once."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig

from services.generator.engine.model import Row, VisionLanguageModel
from services.generator.engine.prompt import Prompt, PromptReader
from services.generator.engine.sampling import Sampling
from tests.services.generator.engine.serving import messages, picture


@pytest.fixture(scope="module")
def reader(model: Path) -> PromptReader:
    return PromptReader(AutoProcessor.from_pretrained(model), 10**6)


def greedy(prompt: Prompt, max_tokens: int = 16) -> Row:
    return Row(prompt, Sampling(0, 0, max_tokens, temperature=0))


def calls_of(module: Any) -> list[torch.Size]:
    """The shapes of the module's first output, one a call from now on."""
    shapes: list[torch.Size] = []
    module.register_forward_hook(lambda _module, _inputs, output: shapes.append(output[0].shape))
    return shapes


def test_an_answer_ends_with_the_end_token_exactly_as_in_plain_generate(
    model: Path, reader: PromptReader, tmp_path: Path
) -> None:
    prompts = [reader.read(messages(picture(i))) for i in range(4)]
    plain = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
    whole = plain.generate(torch.tensor([prompts[0].ids]), **prompts[0].pixels, max_new_tokens=16, do_sample=False)
    end = int(whole[0, len(prompts[0].ids) + 5])
    plain.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=0)
    plain.generation_config.save_pretrained(shutil.copytree(model, tmp_path / "model"))
    engine = VisionLanguageModel(tmp_path / "model", 1)
    for prompt, drawn in zip(prompts, engine.generate(None, None, [greedy(p) for p in prompts]), strict=True):
        ids = plain.generate(torch.tensor([prompt.ids]), **prompt.pixels, max_new_tokens=16, do_sample=False)
        assert drawn.tokens == ids[0, len(prompt.ids) :].tolist()
        assert drawn.finish_reason == ("stop" if end in drawn.tokens else "length")
    first = engine.generate(None, None, [greedy(prompts[0])])[0]
    assert (first.finish_reason, first.tokens.index(end)) == ("stop", len(first.tokens) - 1)


def test_the_vision_tower_sees_each_image_once(model: Path, reader: PromptReader) -> None:
    engine = VisionLanguageModel(model, 1)
    seen = calls_of(engine.module.base_model.vision_tower)
    prompts = [reader.read(messages(picture(i % 3), f"Question {i}?")) for i in range(9)]
    first = engine.generate(None, None, [greedy(prompt) for prompt in prompts])
    again = engine.generate(None, None, [greedy(prompt) for prompt in prompts[::-1]])
    assert [shape[0] for shape in seen] == [3]
    assert [row.tokens for row in again[::-1]] == [row.tokens for row in first]


def test_samples_of_one_prompt_read_it_once(model: Path, reader: PromptReader) -> None:
    engine = VisionLanguageModel(model, 1)
    seen = calls_of(engine.module.base_model.language_model)
    prompt = reader.read(messages(picture(0)))
    engine.generate(None, None, [Row(prompt, Sampling(0, i, 4)) for i in range(5)])
    assert [tuple(shape[:2]) for shape in seen] == [(1, len(prompt.ids) - 1), *[(5, 1)] * 4]


def test_a_long_answer_beside_a_long_prompt_gets_all_its_tokens(model: Path, reader: PromptReader) -> None:
    engine = VisionLanguageModel(model, 1)
    short, long = reader.read(messages(None, "Why?")), reader.read(messages(None, "why " * 200))
    room = engine.positions - len(short.ids)
    assert len(long.ids) + room > engine.positions
    alone = engine.generate(None, None, [greedy(short, room)])[0]
    beside = engine.generate(None, None, [greedy(long, 3), greedy(short, room)])[1]
    assert len(beside.tokens) == len(alone.tokens)
    assert beside.tokens[:16] == alone.tokens[:16]
