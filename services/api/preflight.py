"""Everything that can be known to fail is refused when a job is posted, all faults of the request in one answer."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from services.api.benchmarks import rounds_lacking
from services.api.concepts.versions import newest_bank
from services.api.database.models import ConceptBankRow, Dataset
from services.api.datasets.instructions import LAYOUT as INSTRUCTIONS
from services.api.datasets.validation.classes import lacking
from services.api.problems import Problem, faults_of
from services.api.sleeping.engines import CannotSleep, Engines
from shared.endpoints.addresses import resolve as resolve_endpoint
from shared.endpoints.settings import EndpointSettings
from shared.errors import InvalidInput, NotFound
from shared.job_settings import JobSettings, resolve

Label = Annotated[str, Field(max_length=200)]


class JobRequest(BaseModel):
    """`settings` lies over the method's own choices, field by field; see docs/method.md."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(min_length=1)
    model: str = Field(min_length=1)
    rounds: int = Field(4, ge=1, le=20, strict=True)
    method: str = "default"
    seed: int = Field(0, ge=0, lt=2**31, strict=True)
    settings: dict[str, Any] = {}
    metadata: dict[Label, Label] = Field({}, max_length=32)


def parse(body: Any, max_lora_rank: int) -> tuple[JobRequest, JobSettings]:
    """Raises Problem that lists every fault of the request's fields and of its settings."""
    faults: list[dict[str, str]] = []
    request = settings = None
    try:
        request = JobRequest.model_validate(body)
    except ValidationError as error:
        faults += faults_of(error.errors())
    try:
        settings = _settings(body)
        rounds = request.rounds if request else 1
        faults += _rank_faults(settings, rounds, max_lora_rank) + (rounds_lacking(settings, rounds) if request else [])
    except InvalidInput as error:
        faults += _faults_in(error)
    if faults or request is None or settings is None:
        message = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
        of_settings = all(fault["field"].startswith(("settings", "method")) for fault in faults)
        raise Problem(
            "invalid_settings" if of_settings else "invalid_input",
            message,
            remedy="Correct the named fields; docs/method.md lists the settings.",
            faults=faults,
        )
    return request, settings


def check_dataset(session: Session, dataset_id: str) -> tuple[Dataset, ConceptBankRow]:
    """The data set and its newest concept bank, both fit for a job."""
    dataset = session.get(Dataset, dataset_id)
    if dataset is None:
        raise NotFound(
            f"there is no data set {dataset_id!r}", remedy="GET /datasets lists them; POST /datasets adds one."
        )
    _check_ready(dataset)
    if dataset.layout == INSTRUCTIONS:
        raise Problem(
            "wrong_kind",
            f"the data set {dataset_id!r} holds general instructions, no labelled images",
            remedy="Name it in settings.train.instruction_data, and a data set of labelled images here.",
        )
    bank = newest_bank(session, dataset_id)
    missing = lacking(dataset.classes, bank.counts if bank else {})
    if bank is None or missing:
        raise Problem(
            "concept_bank_incomplete",
            f"the concept bank of {dataset_id!r} has no concepts for: {', '.join(missing[:20])}",
            remedy='Give them, as {"class": ["a visible feature", ...]}: concepts.json in the folder, `selfsynth run '
            f"--concepts FILE`, or `selfsynth datasets concepts set {dataset_id} FILE`. Or have them built, while "
            f"`selfsynth up` runs: `selfsynth datasets concepts build {dataset_id} --own MODEL` (or --base-url URL), "
            f"or POST /datasets/{dataset_id}/concepts. Then: `selfsynth run --dataset {dataset_id}`.",
        )
    return dataset, bank


def check_instructions(session: Session, settings: JobSettings) -> None:
    """That there are general instructions for a job that wants them. Raises Problem."""
    if settings.train.instruction_data is None:
        return
    wanted = settings.train.instruction_data.dataset
    dataset = session.get(Dataset, wanted)
    if dataset is not None:
        _check_ready(dataset)
    if dataset is None or dataset.layout != INSTRUCTIONS or not dataset.splits:
        found = "there is no data set" if dataset is None else "no general instructions are in the data set"
        message = f"{found} {wanted!r}"
        raise Problem(
            "invalid_settings",
            message,
            remedy='POST /datasets with `"kind": "instructions"` adds general instructions.',
            faults=[{"field": "settings.train.instruction_data.dataset", "message": message}],
        )


def _check_ready(dataset: Dataset) -> None:
    if dataset.status != "ready":
        remedy = "Wait until it is ready." if dataset.status == "validating" else "See `report` of the data set."
        raise Problem("dataset_not_ready", f"the data set {dataset.id!r} is {dataset.status}", remedy=remedy)


def check_model(model: str, served: list[str]) -> None:
    if model not in served:
        raise Problem(
            "model_not_served",
            f"the model {model!r} is not served by the engine",
            remedy=f"Use one of: {', '.join(served) or 'none is served'}; or start an engine that serves it "
            "(`selfsynth up --model NAME --model-path FOLDER`).",
        )


def check_sleep(settings: JobSettings, engines: Engines) -> None:
    """That the engine can sleep, for a job that wants it. Raises Problem, or EngineUnavailable."""
    if not settings.engine_sleeps:
        return
    try:
        engines.require_sleep()
    except CannotSleep as error:
        faults = [{"field": "settings.engine_sleeps", "message": error.message}]
        raise Problem(error.code, error.message, remedy=error.remedy, faults=faults) from error


def check_judge(settings: JobSettings, allowed: EndpointSettings) -> None:
    """That the judge may be asked, for a job that wants one. Raises EndpointNotAllowed."""
    if judge := settings.evaluate.judge:
        resolve_endpoint(judge.base_url, judge.secret, allowed.concept_endpoints, allowed.concept_open_urls)


def check_stopping(settings: JobSettings, dataset: Dataset) -> None:
    """That there is something to tell by when to stop. Raises Problem."""
    if settings.early_stopping is None or dataset.splits.get("validation"):
        return
    message = f"the data set {dataset.id!r} has no validation split to stop by"
    raise Problem(
        "invalid_settings",
        message,
        remedy="Leave settings.early_stopping out, or add the data set again with a validation_share.",
        faults=[{"field": "settings.early_stopping", "message": message}],
    )


def warnings_of(bank: ConceptBankRow, dataset: Dataset) -> list[str]:
    single = sorted(label for label in dataset.classes if bank.counts.get(label) == 1)
    found = []
    if single:
        named = ", ".join(single[:10])
        found.append(f"these classes have one concept only, so there is nothing to select from: {named}")
    if not dataset.splits.get("validation"):
        found.append("the data set has no validation split: the best round cannot be told")
    if not dataset.splits.get("test"):
        found.append("the data set has no test split: there will be no accuracy")
    return found


def _settings(body: Any) -> JobSettings:
    fields = body if isinstance(body, dict) else {}
    method, settings = fields.get("method", "default"), fields.get("settings", {})
    return resolve(str(method), settings if isinstance(settings, dict) else {})


def _rank_faults(settings: JobSettings, rounds: int, max_lora_rank: int) -> list[dict[str, str]]:
    train = settings.train
    if (rank := train.served_rank(rounds)) <= max_lora_rank:
        return []
    message = f"the engine serves ranks up to {max_lora_rank} (SELFSYNTH_MAX_LORA_RANK, as the engine was started)"
    if rank > train.lora_rank:
        message = (
            f"rounds that are merged stack their adapters, to rank {train.lora_rank} * {rounds} = {rank}, and {message}"
            f"; take at most {max_lora_rank // rounds}, or train.start_from 'previous'"
        )
    return [{"field": "settings.train.lora_rank", "message": message}]


def _faults_in(error: InvalidInput) -> list[dict[str, str]]:
    """`resolve` tells all faults in one message."""
    if isinstance(error.__cause__, ValidationError):
        return faults_of(error.__cause__.errors(), "settings.")
    return [{"field": "method", "message": f"{error.message}. {error.remedy}"}]
