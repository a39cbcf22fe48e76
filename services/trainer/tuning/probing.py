"""Writes down what the trained adapter and its base say to a few of the round's own questions. Knows no server.

A server that says it serves the adapter is later held against these figures.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from services.trainer.plan import Plan, TrainPair
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.lora import precision_of
from shared.types.probes import Place, Probe, Probes, Seen

_PROBES = 4
_TOKENS = 8
_LIKELIEST = 5


def probes_of(plan: Plan, model: Any, encoder: PairEncoder, pairs: Sequence[TrainPair]) -> Probes:
    """A few of `pairs`, spread over them, put to the peft `model`. Leaves the model in evaluation mode."""
    model.eval()
    bf16 = precision_of(plan) == "bf16"
    with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
        asked = [_probe(model, encoder, pair, prompt) for pair, prompt in _chosen(plan, encoder, pairs)]
    return Probes(precision="bf16" if bf16 else "float32", probes=tuple(asked))


def _chosen(plan: Plan, encoder: PairEncoder, pairs: Sequence[TrainPair]) -> Iterator[tuple[TrainPair, TokenPair]]:
    """Of different images, evenly spread; those that could not be trained on are passed over."""
    each = list({pair.image: pair for pair in pairs}.values())
    usable = ((pair, encoder.encode(pair)) for pair in each[:: max(1, len(each) // _PROBES)])
    fit = ((pair, tokens) for pair, tokens in usable if encoder.fault_of(tokens, plan.settings.max_length) is None)
    return (found for found, _ in zip(fit, range(_PROBES), strict=False))


def _probe(model: Any, encoder: PairEncoder, pair: TrainPair, tokens: TokenPair) -> Probe:
    """The answer ends with its end token, and no later than the pair's own could, so that a server has room for it."""
    ids = tokens.ids[: tokens.prompt_length]
    ends = _end_tokens(model)
    for _ in range(min(_TOKENS, len(tokens.ids) - tokens.prompt_length)):
        likeliest = int(logprobs(model, encoder, pair.image, ids)[-1].argmax())
        ids = (*ids, likeliest)
        if likeliest in ends:
            break
    adapter = logprobs(model, encoder, pair.image, ids)[tokens.prompt_length - 1 : -1]
    with model.disable_adapter():
        base = logprobs(model, encoder, pair.image, ids)[tokens.prompt_length - 1 : -1]
    places = [_place(*place) for place in zip(ids[tokens.prompt_length :], adapter, base, strict=True)]
    return Probe(image_key=pair.image_key, question=pair.question, places=tuple(places))


def _place(token: int, adapter: Tensor, base: Tensor) -> Place:
    """From the log-probabilities [vocabulary] of both models."""
    likeliest = {token, *adapter.topk(_LIKELIEST).indices.tolist(), *base.topk(_LIKELIEST).indices.tolist()}
    return Place(token=token, seen={k: Seen(float(adapter[k]), float(base[k])) for k in sorted(likeliest)})


def logprobs(model: Any, encoder: PairEncoder, image: str, ids: tuple[int, ...]) -> Tensor:
    """[length, vocabulary]: row k is what follows the first k + 1 tokens."""
    batch = PairCollator(encoder, pad_id=0)([TokenPair(image=image, ids=ids, prompt_length=len(ids))])
    del batch["labels"]
    logits: Tensor = model(**{key: tensor.to(model.device) for key, tensor in batch.items()}).logits[0]
    return logits.float().log_softmax(-1)


def _end_tokens(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return set(ends) if isinstance(ends, list) else {ends}
