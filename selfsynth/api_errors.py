"""What can go wrong with a call of the API, as the client raises it. Translates answers once, here."""

from typing import Any

import httpx

from shared.errors import Fault, SelfSynthError

Json = dict[str, Any]
_FAULTS_SHOWN = 12


class ApiError(SelfSynthError):
    """What the API answered: `code`, `message`, `remedy`, `fault` ("user" or "system"), HTTP `status` and `faults`.

    `faults` names each faulty field, where there are several. `status` is 0 when there was no answer at all.
    """

    def __init__(self, message: str, *, remedy: str, code: str, fault: Fault, status: int, faults: list[Json]) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.fault = fault
        self.status = status
        self.faults = faults


class ApiUnavailable(ApiError):
    """The API did not answer, or said that it cannot right now. The same call may succeed later."""


def no_answer(url: httpx.URL, error: Exception) -> ApiUnavailable:
    return ApiUnavailable(
        f"the API at {url} does not answer: {error or type(error).__name__}",
        remedy="Check the address, and that it runs: `selfsynth up` starts one on this machine.",
        code="api_unreachable",
        fault="system",
        status=0,
        faults=[],
    )


def damaged(name: str) -> ApiUnavailable:
    return ApiUnavailable(
        f"{name} did not come as it was stored",
        remedy="Fetch it again; the files that came well are kept.",
        code="download_damaged",
        fault="system",
        status=200,
        faults=[],
    )


def refusal(response: httpx.Response) -> ApiError:
    """The error in a problem+json body; anything else comes from something between us and the API."""
    try:
        body = dict(response.json())
    except ValueError:
        body = {}
    kind = ApiUnavailable if response.status_code in (502, 503, 504) else ApiError
    return kind(
        body.get("detail") or f"{response.request.url} answered {response.status_code} {response.reason_phrase}",
        remedy=body.get("remedy", "Check the address: this is no answer of the API itself."),
        code=body.get("code", "unexpected_answer"),
        fault="user" if body.get("fault") == "user" else "system",
        status=response.status_code,
        faults=body.get("faults", []),
    )


def invalid_dataset(dataset: Json) -> ApiError:
    errors = (dataset.get("report") or {}).get("errors", [])
    lines = [error["message"] for error in errors[:_FAULTS_SHOWN]]
    if len(errors) > _FAULTS_SHOWN:
        lines.append(f"... and {len(errors) - _FAULTS_SHOWN} more faults (GET /datasets/{dataset['id']} lists them)")
    return ApiError(
        "\n  ".join([f"the data set {dataset['name']!r} cannot be used:", *lines]),
        remedy="Mend what is named, then add it again; docs/datasets.md describes the layouts.",
        code="dataset_invalid",
        fault="user",
        status=200,
        faults=errors,
    )
