"""What the client makes of the API's answers. The API itself is tried in test_client_on_the_stack."""

import io
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from selfsynth import ApiError, ApiUnavailable, Client
from tests.selfsynth.api_double import ApiDouble, job, problem


def _client(api: ApiDouble, patience_s: float = 5) -> Client:
    return Client("http://api", "the-key", patience_s=patience_s, transport=api)


def _ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_a_problem_becomes_an_error_with_its_code_remedy_and_faults() -> None:
    faults = [{"field": "settings.train.epochs", "message": "must be positive"}]
    api = ApiDouble({"POST /jobs": [problem(422, "invalid_settings", faults=faults)]})
    with pytest.raises(ApiError, match="it is so") as caught:
        _client(api).start_job("ds", "tiny")
    error = caught.value
    assert (error.code, error.remedy, error.fault, error.status) == ("invalid_settings", "do this", "user", 422)
    assert error.faults == faults
    assert len(api.requests) == 1


def test_the_key_goes_with_every_request() -> None:
    api = ApiDouble({"GET /jobs/job_1": [_ok(job("running"))]})
    _client(api).job("job_1")
    assert api.requests[0].headers["authorization"] == "Bearer the-key"


def test_an_answer_that_is_no_problem_of_the_api_is_told_as_such() -> None:
    api = ApiDouble({"GET /jobs/job_1": [httpx.Response(404, text="<html>nginx</html>")]})
    with pytest.raises(ApiError, match=r"http://api/jobs/job_1 answered 404") as caught:
        _client(api).job("job_1")
    assert caught.value.code == "unexpected_answer"


@pytest.mark.parametrize("away", [httpx.ConnectError("refused"), problem(503, "database_unavailable")])
def test_a_short_absence_of_the_api_is_waited_out(away: Any) -> None:
    api = ApiDouble({"GET /jobs/job_1": [away, away, _ok(job("running"))]})
    assert _client(api).job("job_1")["status"] == "running"
    assert len(api.requests) == 3


def test_a_long_absence_is_an_error_that_names_the_address() -> None:
    api = ApiDouble({"GET /jobs/job_1": [httpx.ConnectError("refused")]})
    with pytest.raises(ApiUnavailable, match=r"http://api/? does not answer: refused"):
        _client(api, patience_s=0.3).job("job_1")


def test_a_job_posted_again_for_want_of_an_answer_carries_the_same_key() -> None:
    api = ApiDouble({"POST /jobs": [httpx.ReadTimeout("slow"), httpx.Response(202, json=job("queued"))]})
    _client(api).start_job("ds", "tiny", settings={"train": {"epochs": 1}})
    first, second = (request.headers["idempotency-key"] for request in api.requests)
    assert first == second
    assert api.bodies()[0]["settings"] == {"train": {"epochs": 1}}


def test_two_jobs_have_different_keys() -> None:
    api = ApiDouble({"POST /jobs": [httpx.Response(202, json=job("queued"))]})
    client = _client(api)
    client.start_job("ds", "tiny")
    client.start_job("ds", "tiny")
    assert len({request.headers["idempotency-key"] for request in api.requests}) == 2


def test_a_data_set_is_not_added_twice_for_want_of_an_answer() -> None:
    api = ApiDouble({"POST /datasets": [httpx.ReadTimeout("slow")]})
    with pytest.raises(ApiUnavailable):
        _client(api).add_dataset("/data", "birds")
    assert len(api.requests) == 1


def test_jobs_follow_the_cursor_to_the_last_page() -> None:
    pages = [{"items": [{"id": "a"}, {"id": "b"}], "next": "b"}, {"items": [{"id": "c"}], "next": None}]
    api = ApiDouble({"GET /jobs": [_ok(page) for page in pages]})
    assert [found["id"] for found in _client(api).jobs(limit=2)] == ["a", "b", "c"]
    assert [request.url.params.get("after") for request in api.requests] == [None, "b"]


def test_data_sets_follow_the_cursor_too() -> None:
    pages = [{"items": [{"id": "ds_2"}], "next": "ds_2"}, {"items": [{"id": "ds_1"}], "next": None}]
    api = ApiDouble({"GET /datasets": [_ok(page) for page in pages]})
    assert [found["id"] for found in _client(api).datasets()] == ["ds_2", "ds_1"]
    assert api.requests[1].url.params["after"] == "ds_2"


def test_events_end_at_an_empty_page() -> None:
    pages = [{"items": [{"id": 1}], "next": "1"}, {"items": [], "next": "1"}]
    api = ApiDouble({"GET /jobs/job_1/events": [_ok(page) for page in pages]})
    assert [event["id"] for event in _client(api).events("job_1")] == [1]


def test_waiting_returns_the_ended_job_and_tells_every_state() -> None:
    api = ApiDouble({"GET /jobs/job_1": [_ok(job("running")), _ok(job("failed"))]})
    seen: list[str] = []
    ended = _client(api).wait("job_1", lambda update: seen.append(update["status"]))
    assert (ended["status"], seen) == ("failed", ["running", "failed"])


def test_an_invalid_data_set_is_an_error_with_its_faults() -> None:
    errors = [{"code": "e", "message": f"fault {n}", "file": None} for n in range(30)]
    invalid = {"id": "ds_1", "name": "birds", "status": "invalid", "report": {"errors": errors, "warnings": []}}
    api = ApiDouble({"GET /datasets/ds_1": [_ok({**invalid, "status": "validating"}), _ok(invalid)]})
    with pytest.raises(ApiError, match=r"(?s)'birds' cannot be used.*fault 11\n.*and 18 more") as caught:
        _client(api).wait_dataset("ds_1")
    assert caught.value.faults == errors


def test_an_adapter_lands_in_the_folder_whatever_its_archive_says(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("job_1-r1/adapter_config.json", "../../escape.json"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            archive.addfile(entry, io.BytesIO(b"{}"))
    api = ApiDouble({"GET /jobs/job_1/rounds/1/adapter": [httpx.Response(200, content=packed.getvalue())]})
    _client(api).download_adapter("job_1", 1, tmp_path / "deep" / "adapter")
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["adapter_config.json", "escape.json"]
    assert len(list((tmp_path / "deep" / "adapter").iterdir())) == 2
