"""The model: many rows in, their tokens out. Knows tensors and adapters, nothing of requests or HTTP."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    DynamicCache,
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteriaList,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from services.generator.engine.adapters import LoadedAdapters
from services.generator.engine.prompt import Prompt
from services.generator.engine.sampling import Drawn, RowSampler, Sampling

_IMAGES_KEPT = 512
_LOGITS_AT_ONCE = 8192  # prompt tokens, each with a whole vocabulary of them


@dataclass(frozen=True)
class Row:
    """`tells_prompt`: the log-probabilities of the prompt's tokens are wanted, and the likeliest next token alone."""

    prompt: Prompt
    sampling: Sampling
    tells_prompt: bool = False


class VisionLanguageModel:
    """For one thread only. `positions` is the longest prompt and answer together, in tokens."""

    def __init__(self, path: Path, max_adapters: int) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = "auto" if self._device == "cuda" else torch.float32
        self.module: Any = AutoModelForImageTextToText.from_pretrained(path, dtype=dtype).to(self._device).eval()
        ends = self.module.generation_config.eos_token_id
        self._end_tokens = [ends] if isinstance(ends, int) else list(ends)
        # Rows end where the sampler says, so `generate` is told of no end token and adds no processors of its own.
        self.module.generation_config = GenerationConfig(pad_token_id=self._end_tokens[0], do_sample=False)
        self.positions: int = self.module.config.get_text_config().max_position_embeddings
        self.adapters = LoadedAdapters(self.module, max_adapters)
        self._features: OrderedDict[tuple[str | None, tuple[str, ...]], list[Tensor]] = OrderedDict()

    @property
    def can_sleep(self) -> bool:
        return self._device == "cuda"

    def sleep(self) -> None:
        """Give the GPU's memory free but for what CUDA itself needs. What was computed of images is forgotten."""
        self.adapters.activate(None, None)
        self._features.clear()
        self.module.to("cpu")
        torch.cuda.empty_cache()

    def wake_up(self) -> None:
        self.module.to(self._device)

    @torch.inference_mode()
    def generate(
        self,
        adapter: str | None,
        folder: Path | None,
        rows: Sequence[Row],
        tell: Callable[[], None] = lambda: None,
    ) -> list[Drawn]:
        """One answer a row, in their order, by the adapter whose files are in `folder` or by the base model (None).

        Equal prompts are read once. Ended rows are peeled off, so long answers do not pay for short ones. `tell` is
        called whenever the rows got a token.
        """

        def ended(ids: Tensor, scores: Any, **_: Any) -> Tensor:
            tell()
            return sampler.ended(ids)

        self.adapters.activate(adapter, folder)
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        numbers = {prompt: i for i, prompt in enumerate(prompts)}
        ids, mask = _left_padded(prompts, self._end_tokens[0], self._device)
        sampler = RowSampler([row.sampling for row in rows], self._end_tokens, ids.shape[1], self._device)
        cache = self._read(ids, mask, self._image_features(adapter, prompts))
        stay = [numbers[row.prompt] for row in rows]
        while stay:
            ids, mask = ids[stay], mask[stay]
            cache.batch_select_indices(torch.tensor(stay, device=self._device))
            ids = self.module.generate(
                input_ids=ids,
                attention_mask=mask,
                past_key_values=cache,
                logits_processor=LogitsProcessorList([sampler.scores]),
                stopping_criteria=StoppingCriteriaList([ended]),
                max_new_tokens=self.positions,  # never reached: every row has a limit of its own
            )
            mask = torch.nn.functional.pad(mask, (0, ids.shape[1] - mask.shape[1]), value=1)
            stay = sampler.peel()
        return sampler.drawn

    @torch.inference_mode()
    def read(self, adapter: str | None, folder: Path | None, prompts: Sequence[Prompt]) -> list[Drawn]:
        """The log-probabilities of each prompt's own tokens, and the likeliest token after it."""
        self.adapters.activate(adapter, folder)
        at_once = max(1, _LOGITS_AT_ONCE // max(len(prompt.ids) for prompt in prompts)) if prompts else 1
        groups = [prompts[k : k + at_once] for k in range(0, len(prompts), at_once)]
        return [drawn for group in groups for drawn in self._read_whole(adapter, group)]

    def _read_whole(self, adapter: str | None, prompts: Sequence[Prompt]) -> list[Drawn]:
        ids, mask = _left_padded(prompts, self._end_tokens[0], self._device)
        images = _as_images(self._image_features(adapter, prompts))
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        logits = self.module(input_ids=ids, attention_mask=mask, position_ids=places, use_cache=False, **images).logits
        found = []
        for row, prompt in zip(logits, prompts, strict=True):
            own = row[-len(prompt.ids) :].float().log_softmax(-1)
            said = own[:-1].gather(1, torch.tensor(prompt.ids[1:], device=self._device)[:, None])[:, 0]
            told = list(zip(prompt.ids[1:], said.tolist(), strict=True))
            found.append(Drawn(tokens=[int(own[-1].argmax())], prompt_logprobs=told))
        return found

    def _read(self, ids: Tensor, mask: Tensor, features: list[Tensor]) -> DynamicCache:
        """The cache of all but the last token of each prompt."""
        cache = DynamicCache(config=self.module.config)
        self.module.generate(
            input_ids=ids[:, :-1],
            attention_mask=mask[:, :-1],
            past_key_values=cache,
            max_new_tokens=1,
            **_as_images(features),
        )
        return cache

    def _image_features(self, adapter: str | None, prompts: Sequence[Prompt]) -> list[Tensor]:
        """Each image's embeddings [tokens, width], image by image in the prompts' order; each distinct one is computed
        once and kept for later batches. They pass the projector, so each adapter has its own."""
        wanted = {prompt.images: prompt.pixels for prompt in prompts if prompt.images}
        missing = [images for images in wanted if (adapter, images) not in self._features]
        for group in _same_shapes(missing, wanted):
            pixels = {k: torch.cat([wanted[i][k] for i in group]).to(self._device) for k in wanted[group[0]]}
            computed = iter(self.module.base_model.get_image_features(**pixels, return_dict=True).pooler_output)
            for images in group:
                self._features[adapter, images] = [next(computed) for _ in images]
        for images in wanted:
            self._features.move_to_end((adapter, images))
        found = [feature for prompt in prompts if prompt.images for feature in self._features[adapter, prompt.images]]
        while len(self._features) > _IMAGES_KEPT:
            self._features.popitem(last=False)
        return found


def _as_images(features: list[Tensor]) -> dict[str, Any]:
    """How the model is given images that were computed before."""
    return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}} if features else {}


def _left_padded(prompts: Sequence[Prompt], pad: int, device: str) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both [prompts, longest prompt]."""
    width = max(len(prompt.ids) for prompt in prompts)
    ids = [[pad] * (width - len(p.ids)) + list(p.ids) for p in prompts]
    mask = [[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _same_shapes(
    keys: Sequence[tuple[str, ...]], pixels: dict[tuple[str, ...], dict[str, Tensor]]
) -> list[list[tuple[str, ...]]]:
    groups: dict[Any, list[tuple[str, ...]]] = {}
    for key in keys:
        groups.setdefault(tuple((k, v.shape[1:]) for k, v in pixels[key].items()), []).append(key)
    return list(groups.values())
