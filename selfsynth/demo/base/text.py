"""The tokenizer (byte-level BPE), the chat template and the processor that make prompts of conversations.

BOS stands in the chat template, once, at the start: the tokenizer adds no special token of its own, so that training
and serving get the same ids.
"""

import random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import CLIPImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast

from selfsynth.demo.base.architecture import IMAGE_SIZE, PATCH, POSITIONS, VOCABULARY
from selfsynth.demo.base.lessons import lesson
from selfsynth.demo.world.scene import random_scene

PAD, BOS, EOS, IMAGE = "<pad>", "<s>", "</s>", "<image>"
_CORPUS_LESSONS = 6000

# The form of LLaVA-1.5. An answer opens with a blank, so that a prompt's ids are a prefix of the whole conversation's.
CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
{%- set content = message['content'] %}
{%- set items = [{'type': 'text', 'text': content}] if content is string else content %}
{%- if message['role'] == 'assistant' %}
{{- 'ASSISTANT: ' }}
{%- else %}
{{- 'USER: ' if message['role'] == 'user' else '' }}
{%- endif %}
{%- for item in items if item['type'] in ['image', 'image_url'] %}
{{- '<image>\n' }}
{%- endfor %}
{%- for item in items if item['type'] == 'text' %}
{{- item['text'] | trim }}
{%- endfor %}
{{- eos_token if message['role'] == 'assistant' else ' ' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- 'ASSISTANT:' }}
{%- endif %}"""


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """A tokenizer of VOCABULARY entries, trained on random lessons."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BOS, EOS, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_corpus(seed), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens={"image_token": IMAGE},
        padding_side="left",
        model_max_length=POSITIONS,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Images and conversations to model inputs; needs no torchvision."""
    images = CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_SIZE}, crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        image_token=IMAGE,
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def _corpus(seed: int) -> list[str]:
    rng = random.Random(seed)
    lessons = [lesson(random_scene(rng), rng) for _ in range(_CORPUS_LESSONS)]
    return [f"USER: \n{one.question} ASSISTANT: {one.answer}" for one in lessons]
