"""The ids that the engine sees are those that training saw."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tokenizers.processors import TemplateProcessing
from transformers import AutoProcessor

from services.generator.engine.prompt import PromptReader
from services.trainer.plan import TrainPair
from services.trainer.tuning.encoding import PairEncoder
from tests.services.generator.engine.serving import QUESTION, messages, picture


def begins_by_itself(processor: Any) -> None:
    """As published tokenizers do: they write the first token of a text, and the template does not."""
    begin = processor.tokenizer.bos_token
    processor.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, processor.tokenizer.bos_token_id)]
    )


@pytest.mark.parametrize("template_begins", [True, False])
@pytest.mark.parametrize("tokenizer_begins", [True, False])
def test_prompts_have_the_ids_of_training(
    model: Path, tmp_path: Path, template_begins: bool, tokenizer_begins: bool
) -> None:
    processor: Any = AutoProcessor.from_pretrained(model)
    if not template_begins:
        processor.chat_template = processor.chat_template.replace("{{ bos_token }}", "")
    if tokenizer_begins:
        begins_by_itself(processor)
    Image.open(io.BytesIO(picture(1))).save(tmp_path / "bird.png")
    pair = TrainPair(image="bird.png", question=QUESTION, answer="A wren.")
    trained = PairEncoder(processor, tmp_path).encode(pair)
    asked = PromptReader(processor, 10**6).read(messages(picture(1), QUESTION))
    assert asked.ids == trained.ids[: trained.prompt_length]
    assert asked.ids.count(processor.tokenizer.bos_token_id) == (template_begins or tokenizer_begins)
