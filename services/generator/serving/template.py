"""Whether the chat template writes the token that begins a text, or the tokenizer must, as it does in training."""

from pathlib import Path
from typing import Any

from transformers import AutoProcessor

from shared.errors import InvalidInput

_QUESTION = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]


def tokenizer_must_begin(folder: Path) -> bool:
    """Raises InvalidInput when the model has no processor or its template cannot render a question about an image."""
    try:
        processor: Any = AutoProcessor.from_pretrained(folder)
        text = str(processor.apply_chat_template(_QUESTION, add_generation_prompt=True, tokenize=False))
    except Exception as error:  # a checkpoint's own template and tokenizer files may raise anything
        raise InvalidInput(
            f"the model in {folder} cannot render a question about an image: {str(error).partition(chr(10))[0]}",
            remedy="Put the processor's and the tokenizer's files and the chat template beside the weights.",
        ) from error
    begin = processor.tokenizer.bos_token
    return begin is None or not text.startswith(begin)
