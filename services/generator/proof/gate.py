"""Before a step asks a replica for an adapter: it is held against what the trainer left beside the adapter.

Knows where the probes are and what to say of a verdict; how an engine is asked and what agrees, others know.
"""

from dataclasses import replace

import aiohttp
import structlog
from pydantic import ValidationError

from services.generator.adapters.pointer import read_pointer
from services.generator.chat import Engine
from services.generator.proof.agreement import Verdict, judge
from services.generator.proof.asking import Asking
from services.generator.wire import data_uri
from shared.errors import NotFound, SystemFault
from shared.types.probes import PROBES, Probes
from shared.worker.context import StepContext

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


def guarded(context: StepContext, engine: Engine) -> Engine:
    """The engine for the step: none of its replicas is asked before it was seen to serve the step's adapter.

    The engine as it is where there is nothing to hold it against. Asking it raises SystemFault with the code
    adapter_has_no_effect, adapter_disagrees or adapter_not_proven.
    """
    task = context.task
    recorded = None if task.teacher == task.base_model else _recorded(context)
    if recorded is None:
        return engine
    keys = {probe.image_key for probe in recorded.probes}
    images = {key: data_uri(key, context.store.get(key)) for key in keys}
    asking = Asking(recorded, images, task.teacher, task.base_model)

    async def proof(http: aiohttp.ClientSession, url: str) -> None:
        _tell(judge(recorded, *await asking.at(http, url)), task.teacher, url)

    return replace(engine, proof=proof)


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
