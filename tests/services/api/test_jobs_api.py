"""POST and GET /jobs: what is refused and how, idempotency, pages."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from services.api.app import create_app
from services.api.wiring import build
from tests.services.api.conftest import KEY, Stack
from tests.services.api.pictures import LABELS, class_folders, instruction_folder, reference_folder


@pytest.fixture
def body(known: str) -> dict[str, Any]:
    return {"dataset": known, "model": "tiny", "rounds": 1}


def refused(stack: Stack, body: Any, status: int, code: str) -> Any:
    """The problem that the request is answered with; no job was made."""
    jobs = len(stack.get("/jobs?limit=1000")["items"])
    response = stack.client.post("/jobs", json=body)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["remedy"]
    assert problem["detail"]
    assert len(stack.get("/jobs?limit=1000")["items"]) == jobs
    return problem


def test_a_posted_job_is_answered_with_its_address(standing: Stack, body: Any) -> None:
    response = standing.client.post("/jobs", json=body)
    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/jobs/{job['id']}"
    assert (job["status"], job["is_terminal"], job["percent"]) == ("queued", False, 0.0)
    assert [s["step"] for s in job["rounds"][0]["steps"]] == ["evaluate"]


def test_an_unknown_data_set_is_not_found(standing: Stack, body: Any) -> None:
    problem = refused(standing, body | {"dataset": "ds_none"}, 404, "not_found")
    assert "ds_none" in problem["detail"]
    assert problem["fault"] == "user"


@pytest.mark.parametrize("model", ["gpt-none", "job_x-r1"])
def test_a_model_that_is_not_served_or_is_an_adapter_is_refused(standing: Stack, body: Any, model: str) -> None:
    problem = refused(standing, body | {"model": model}, 422, "model_not_served")
    assert "tiny" in problem["remedy"]


def test_all_faults_come_in_one_answer(standing: Stack, body: Any) -> None:
    settings = {"train": {"lora_rank": 0, "learning_rate": "fast"}, "no_such": 1}
    problem = refused(standing, body | {"rounds": 21, "seed": -1, "x": 1, "settings": settings}, 422, "invalid_input")
    fields = {fault["field"] for fault in problem["faults"]}
    assert fields == {
        "rounds",
        "seed",
        "x",
        "settings.train.lora_rank",
        "settings.train.learning_rate",
        "settings.no_such",
    }


def test_illegal_settings_have_their_own_code(standing: Stack, body: Any) -> None:
    refused(standing, body | {"settings": {"select_concepts": {"tau": 0}}}, 422, "invalid_settings")
    refused(standing, body | {"method": "magic"}, 422, "invalid_settings")
    problem = refused(standing, body | {"settings": {"train": {"lora_rank": 1024}}}, 422, "invalid_settings")
    assert "128" in problem["detail"]


def test_rounds_whose_stacked_adapters_no_engine_serves_are_refused_with_what_fits(standing: Stack, body: Any) -> None:
    """The published way merges: four rounds of the default rank 128 end with rank 512."""
    merging = body | {"method": "paper", "rounds": 4}
    problem = refused(standing, merging, 422, "invalid_settings")
    assert problem["faults"][0]["field"] == "settings.train.lora_rank"
    assert "128 * 4 = 512" in problem["detail"]
    assert "at most 32" in problem["detail"]
    made = standing.post("/jobs", merging | {"settings": {"train": {"lora_rank": 32}}})
    assert made["settings"]["train"]["start_from"] == "merged"
    standing.post(f"/jobs/{made['id']}/cancel", {})


def test_an_infinite_setting_is_refused(standing: Stack, body: Any) -> None:
    content = json.dumps(body | {"settings": {"select_concepts": {"tau": math.inf}}})
    response = standing.client.post("/jobs", content=content, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_settings")


def test_text_that_cannot_be_stored_is_the_users_fault(standing: Stack, body: Any) -> None:
    assert "stored" in refused(standing, body | {"metadata": {"team": "a\0b"}}, 422, "invalid_input")["detail"]
    assert standing.client.get("/jobs?after=%00").json()["code"] == "invalid_input"


@pytest.mark.parametrize("rounds", [0, 21, 1.5, "2", None])
def test_rounds_are_a_number_from_1_to_20(standing: Stack, body: Any, rounds: Any) -> None:
    problem = refused(standing, body | {"rounds": rounds}, 422, "invalid_input")
    assert [fault["field"] for fault in problem["faults"]] == ["rounds"]


@pytest.mark.parametrize("content", [b"{", b"", b"[1]", b'"x"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_a_problem(standing: Stack, content: bytes) -> None:
    response = standing.client.post("/jobs", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.json()["code"] in ("invalid_body", "invalid_input")


def test_a_body_that_is_too_large_is_refused_whatever_its_header_says(standing: Stack, body: Any) -> None:
    large = body | {"metadata": {"x": "y" * 30_000}}
    assert standing.client.post("/jobs", json=large).json()["code"] == "body_too_large"
    chunks = (b" " * 1000 for _ in range(30))
    response = standing.client.post("/jobs", content=chunks, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_an_incomplete_concept_bank_is_refused_and_mended_by_a_new_version(standing: Stack, body: Any) -> None:
    folder = class_folders(standing.settings.import_roots[0] / "no-bank", per_class=5)
    dataset = standing.dataset(folder)
    assert "no_concept_bank" in [w["code"] for w in dataset["report"]["warnings"]]
    mine = body | {"dataset": dataset["id"]}
    refused(standing, mine, 422, "concept_bank_incomplete")
    concepts = f"/datasets/{dataset['id']}/concepts"
    assert standing.client.put(concepts, json={LABELS[0]: ["wings"]}).status_code == 200
    problem = refused(standing, mine, 422, "concept_bank_incomplete")
    assert LABELS[1] in problem["detail"]
    assert f"selfsynth datasets concepts build {dataset['id']}" in problem["remedy"]
    assert "--concepts FILE" in problem["remedy"]
    whole = {label: ["wings"] for label in LABELS}
    assert standing.client.put(concepts, json=whole, headers={"If-Match": '"1"'}).json()["version"] == 2
    assert "one concept only" in standing.post("/jobs", mine)["warnings"][0]


def test_a_data_set_that_is_not_ready_is_a_conflict(standing: Stack, body: Any) -> None:
    folder = reference_folder(standing.settings.import_roots[0] / "waiting")
    made = standing.post("/datasets", {"name": "x", "source": {"path": str(folder)}})
    refused(standing, body | {"dataset": made["id"]}, 409, "dataset_not_ready")


def test_general_instructions_are_mixed_in_and_are_no_data_set_of_their_own(standing: Stack, body: Any) -> None:
    folder = instruction_folder(standing.settings.import_roots[0] / "mixed")
    mixed = standing.dataset(folder, kind="instructions")
    assert (mixed["status"], mixed["layout"], mixed["splits"]) == ("ready", "instructions", {"train": 6})
    refused(standing, body | {"dataset": mixed["id"]}, 422, "wrong_kind")
    wanted = {"dataset": mixed["id"], "ratio": 0.5}
    job = standing.post("/jobs", body | {"settings": {"train": {"instruction_data": wanted}}})
    assert job["settings"]["train"]["instruction_data"] == wanted
    for path in ("images", "findings", "report"):
        assert standing.client.get(f"/datasets/{mixed['id']}/{path}").status_code == 200


@pytest.mark.parametrize("dataset", ["ds_none", "known"])
def test_instructions_that_are_none_are_refused(standing: Stack, body: Any, known: str, dataset: str) -> None:
    named = known if dataset == "known" else dataset
    settings = {"train": {"instruction_data": {"dataset": named}}}
    problem = refused(standing, body | {"settings": settings}, 422, "invalid_settings")
    assert [fault["field"] for fault in problem["faults"]] == ["settings.train.instruction_data.dataset"]
    assert named in problem["detail"]


def test_an_engine_that_is_down_is_the_systems_fault(standing: Stack, body: Any) -> None:
    parts = build(standing.settings.model_copy(update={"engine_url": "http://127.0.0.1:1"}))
    client = TestClient(create_app(parts), headers={"Authorization": f"Bearer {KEY}"})
    response = client.post("/jobs", json=body)
    assert (response.status_code, response.json()["code"]) == (503, "engine_unavailable")
    health = client.get("/health")
    assert (health.status_code, health.json()["parts"]["database"]) == (503, "ok")


def test_a_database_that_is_down_is_the_systems_fault(standing: Stack) -> None:
    down = SecretStr("postgresql+psycopg://x:x@127.0.0.1:1/x")
    parts = build(standing.settings.model_copy(update={"database_url": down}))
    client = TestClient(create_app(parts), headers={"Authorization": f"Bearer {KEY}"})
    response = client.get("/jobs")
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert response.json()["fault"] == "system"


def test_the_same_idempotency_key_makes_one_job(standing: Stack, body: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        posts = [
            pool.submit(standing.client.post, "/jobs", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(4)
        ]
    answers = [post.result() for post in posts]
    assert [a.status_code for a in answers] == [202] * 4
    assert all(a.json() == answers[0].json() for a in answers)


def test_the_same_key_with_another_body_is_refused(standing: Stack, body: Any) -> None:
    key = {"Idempotency-Key": "k2"}
    assert standing.client.post("/jobs", json=body, headers=key).status_code == 202
    other = standing.client.post("/jobs", json=body | {"seed": 1}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_pages_hold_every_job_once_newest_first(standing: Stack, body: Any) -> None:
    made = [standing.post("/jobs", body)["id"] for _ in range(5)]
    seen: list[str] = []
    page = standing.get("/jobs?limit=2")
    while page["next"]:
        seen += [job["id"] for job in page["items"]]
        page = standing.get(f"/jobs?limit=2&after={page['next']}")
    seen += [job["id"] for job in page["items"]]
    assert sorted(seen, reverse=True) == seen
    assert len(set(seen)) == len(seen)
    assert set(made) <= set(seen)


def test_jobs_are_filtered_by_status(standing: Stack, body: Any) -> None:
    cancelled = standing.post("/jobs", body)["id"]
    standing.post(f"/jobs/{cancelled}/cancel", None)
    standing.play_until(lambda: standing.get(f"/jobs/{cancelled}")["is_terminal"])
    found = standing.get("/jobs?status=cancelled&limit=1000")["items"]
    assert cancelled in [job["id"] for job in found]
    assert {job["status"] for job in found} == {"cancelled"}
    assert standing.client.get("/jobs?status=nonsense").status_code == 422


@pytest.mark.parametrize("path", ["/jobs/job_none", "/jobs/job_none/events", "/no/such", "/datasets/ds_none"])
def test_what_is_not_there_is_a_problem_too(standing: Stack, path: str) -> None:
    response = standing.client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
