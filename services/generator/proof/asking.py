"""Puts the trainer's probes to an engine, as chat completions with log-probabilities by token id. Judges nothing."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from services.generator.patience import Lost
from services.generator.proof.agreement import Answer, Said
from services.generator.wire import failure_of
from shared.errors import SystemFault
from shared.types.probes import Probe, Probes

_LIKELIEST = 5
_ID = "token_id:"


@dataclass(frozen=True)
class Asking:
    """What is asked, and about which images (data URIs by key)."""

    probes: Probes
    images: Mapping[str, str]
    adapter: str
    base: str

    async def at(self, http: aiohttp.ClientSession, url: str) -> tuple[list[Answer], list[Answer]]:
        """The greedy answers under the adapter's name, and the base's first tokens. Not both in one batch: a step asks
        one model only, so what they do to each other there would mislead. `http` carries key and deadline.

        Raises Passing when it gives no answer, SystemFault when it does not show what it serves.
        """
        probes = self.probes.probes
        by_base = await asyncio.gather(*(self._answer(http, url, self.base, probe, 1) for probe in probes))
        by_adapter = (self._answer(http, url, self.adapter, probe, len(probe.places)) for probe in probes)
        return await asyncio.gather(*by_adapter), by_base

    async def _answer(self, http: aiohttp.ClientSession, url: str, model: str, probe: Probe, max_tokens: int) -> Answer:
        body = _body(model, self.images[probe.image_key], probe.question, max_tokens)
        try:
            async with http.post(f"{url.rstrip('/')}/v1/chat/completions", json=body) as response:
                status, text = response.status, await response.text()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        failure = failure_of(status, text)
        if failure is not None:
            raise failure
        if status != 200:
            raise _unproven(f"the engine at {url} refuses to answer as {model!r}: HTTP {status}: {text[:500]}")
        return _said(text, url)


def _body(model: str, image: str, text: str, max_tokens: int) -> dict[str, Any]:
    content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": text}]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "n": 1,
        "temperature": 0.0,
        "seed": 0,
        "max_tokens": max_tokens,
        "logprobs": True,
        "top_logprobs": _LIKELIEST,
        "return_tokens_as_token_ids": True,
    }


def _said(text: str, url: str) -> Answer:
    try:
        places = json.loads(text)["choices"][0]["logprobs"]["content"]
        return [_place(place) for place in places] or _nothing()
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _unproven(f"the engine at {url} gives no log-probabilities by token id: {text[:200]}") from error


def _nothing() -> Answer:
    raise ValueError("an answer without a token")


def _place(place: dict[str, Any]) -> Said:
    told = {_id(each): float(each["logprob"]) for each in (place, *place["top_logprobs"])}
    return Said(token=_id(place), logprobs=told)


def _id(token: dict[str, Any]) -> int:
    return int(token["token"].removeprefix(_ID))


def _unproven(message: str) -> SystemFault:
    return SystemFault(
        f"it cannot be proven that the adapter is served: {message}",
        remedy="Mend what it says. Both vLLM and our own engine tell log-probabilities where "
        "return_tokens_as_token_ids is asked for.",
        code="adapter_not_proven",
    )
