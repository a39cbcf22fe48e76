"""Before a step uses an adapter: each replica of the engine is held against what the trainer left beside the adapter.

Knows where the probes are and what to say of a verdict; how an engine is asked and what agrees, others know.
"""

import asyncio

import aiohttp
import structlog
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from services.generator.adapters.pointer import read_pointer
from services.generator.chat import Engine
from services.generator.proof.agreement import Verdict, judge
from services.generator.proof.asking import Asking, NoAnswer
from services.generator.replicas import resolved
from shared.engine_addresses import DNS, addresses
from shared.errors import EngineUnavailable, NotFound, SystemFault
from shared.types.probes import PROBES, Probes
from shared.worker.context import StepContext
from shared.worker.watching import run_watched

log = structlog.get_logger(__name__)

_SAYS = {
    "adapter_has_no_effect": "as the base model does",
    "adapter_disagrees": "otherwise than it did when it was trained",
}
_REMEDIES = {
    "adapter_has_no_effect": "See that the engine serves LoRA for all layers that the job trains, and this adapter by "
    "this name; restart it, then run the job again (docs/operations.md, 'Is it the adapter that answers?').",
    "adapter_disagrees": "See that engine and trainer have the same base model, chat template and adapter; restart the "
    "engine, then run the job again (docs/operations.md, 'Is it the adapter that answers?').",
}


def prove(context: StepContext, engine: Engine) -> None:
    """Return when `engine` serves the step's adapter, or when there is nothing to hold it against.

    Raises SystemFault with the code adapter_has_no_effect, adapter_disagrees or adapter_not_proven, EngineUnavailable
    when no replica answers within the engine's patience, and what `context.check` raises.
    """
    task = context.task
    recorded = None if task.teacher == task.base_model else _recorded(context)
    if recorded is not None:
        images = {probe.image_key: context.store.get(probe.image_key) for probe in recorded.probes}
        run_watched(lambda: _prove(engine, recorded, images, task.teacher, task.base_model), context.check, _silent)


def _recorded(context: StepContext) -> Probes | None:
    """None for an adapter that was trained before there were probes, or that nobody published under its name."""
    task = context.task
    try:
        pointer = read_pointer(context.store, task.teacher, task.base_model)
        recorded = Probes.model_validate_json(context.store.get(f"{pointer.prefix}/{PROBES}"))
    except NotFound as error:
        log.warning("the adapter is used unproven: there are no probes of it", adapter=task.teacher, why=str(error))
        return None
    except ValidationError as error:
        raise SystemFault(
            f"the probes of adapter {task.teacher!r} cannot be read: {error}", remedy="Train the round again."
        ) from error
    if not any(probe.places for probe in recorded.probes):
        log.warning("the adapter is used unproven: its trainer found no pair to probe with", adapter=task.teacher)
        return None
    return recorded


async def _prove(engine: Engine, recorded: Probes, images: dict[str, bytes], adapter: str, base: str) -> None:
    headers = {"Authorization": f"Bearer {engine.key}"} if engine.key else {}
    timeout = aiohttp.ClientTimeout(total=engine.request_s)
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(NoAnswer),
        wait=wait_exponential_jitter(multiplier=0.1, max=5),
        stop=stop_after_delay(engine.patience_s),
        reraise=True,
    )
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        asking = Asking(http, recorded, images, adapter, base)
        try:
            await retrying(_prove_all, asking, engine)
        except NoAnswer as error:
            raise EngineUnavailable(
                f"the engine at {engine.url} failed for {engine.patience_s:.0f} s: {error}",
                remedy="Check that it runs and that SELFSYNTH_ENGINE_URL names it; its log says more.",
            ) from error


async def _replicas(engine: Engine) -> list[str]:
    resolve = resolved if engine.resolve is None else engine.resolve
    found = [
        await resolve(each.removeprefix(DNS)) if each.startswith(DNS) else [each] for each in addresses(engine.url)
    ]
    return [url for urls in found for url in urls]


async def _prove_all(asking: Asking, engine: Engine) -> None:
    """A replica that gives no answer now is passed over, as the step itself does, unless none gives one."""
    urls = await _replicas(engine)
    if not urls:
        raise NoAnswer("its name does not resolve to any address")
    outcomes = await asyncio.gather(*(asking.at(url) for url in urls), return_exceptions=True)
    unanswered = [outcome for outcome in outcomes if isinstance(outcome, NoAnswer)]
    if len(unanswered) == len(outcomes):
        raise unanswered[0]
    for url, outcome in zip(urls, outcomes, strict=True):
        if isinstance(outcome, NoAnswer):
            log.warning("a replica is used unproven: it gave no answer", engine=url, why=str(outcome))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            _tell(judge(asking.probes, *outcome), asking.adapter, url)


def _tell(verdict: Verdict, adapter: str, url: str) -> None:
    figures = (
        f"over {verdict.values} log-probabilities the mean distance to the adapter as trained is "
        f"{verdict.to_adapter:.4f} nats (rounding explains {verdict.allowed:.4f}), to the base {verdict.to_base:.4f}; "
        f"the base itself is {verdict.noise:.4f} from the trainer's"
    )
    if verdict.fault is None:
        log.info("the adapter is served as it was trained", adapter=adapter, engine=url, figures=figures)
        return
    raise SystemFault(
        f"the engine at {url} answers for adapter {adapter!r} {_SAYS[verdict.fault]}: {figures}",
        remedy=_REMEDIES[verdict.fault],
        code=verdict.fault,
    )


def _silent() -> None:
    """Nothing is worth telling: it takes seconds."""
