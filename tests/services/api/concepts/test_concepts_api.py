"""/datasets/{id}/concepts on real servers: built by an endpoint or a model, given, edited, read, pinned."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.api.settings import ApiSettings
from shared.endpoints.addresses import ConceptEndpoint
from tests.services.api.conftest import Stack, engine_url, postgres, ready_dataset, serving, template, valkey_url
from tests.services.api.conftest import new_settings as new_settings
from tests.services.api.pictures import LABELS, class_folders
from tests.shared.endpoints.fake_endpoint import MODEL, FakeEndpoint

__all__ = ["engine_url", "postgres", "template", "valkey_url"]
KEY = "sk-nowhere-but-in-the-header"
JSON = {"Content-Type": "application/json"}
# The encoder of these tests has no meaning, so only words are judged.
CLEAN = {"judge_visual": False, "near_duplicate": 1.01}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeEndpoint]:
    with FakeEndpoint(key=KEY) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def stack(
    fake: FakeEndpoint, new_settings: Callable[[Path], ApiSettings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    patch = pytest.MonkeyPatch()
    patch.setenv("KEY_OF_THE_ENDPOINT", KEY)
    endpoints = {"paid": ConceptEndpoint(base_url=fake.base_url, key_env="KEY_OF_THE_ENDPOINT")}
    settings = new_settings(tmp_path_factory.mktemp("concepts"))
    allowed = {"concept_endpoints": endpoints, "concept_open_urls": ("http://127.0.0.1:9/v1",)}
    with serving(settings.model_copy(update=allowed)) as running:
        running.worker.endpoints = endpoints
        yield running
    patch.undo()


@pytest.fixture
def bare(stack: Stack, request: pytest.FixtureRequest) -> str:
    """A data set of the test's own without a bank."""
    folder = Path(stack.settings.import_roots[0]) / str(request.node.name)[:60]
    dataset = stack.dataset(class_folders(folder, per_class=3))
    assert (dataset["status"], dataset["concept_bank"]) == ("ready", None)
    return str(dataset["id"])


def concepts_of(stack: Stack, dataset: str, **query: int) -> Any:
    return stack.client.get(f"/datasets/{dataset}/concepts", params=query)


def build(stack: Stack, dataset: str, **request: Any) -> Any:
    """The ended job."""
    body = {"source": "endpoint", "model": MODEL, "secret": "paid", "clean": CLEAN, **request}
    if body["source"] == "endpoint":
        body["ask"] = {"requests_per_minute": 60_000, **body.get("ask", {})}
    else:
        body = {
            k: v for k, v in body.items() if k not in ("secret", *(("model",) if body["source"] == "newest" else ()))
        }
    response = stack.client.post(f"/datasets/{dataset}/concepts", json=body)
    assert response.status_code == 202, response.text
    path = response.headers["location"]
    assert path == f"/jobs/{response.json()['id']}"
    stack.play_until(lambda: stack.get(path)["is_terminal"])
    return stack.get(path)


def put(stack: Stack, dataset: str, bank: Any, if_match: str | None = None) -> httpx.Response:
    headers = {"If-Match": if_match} if if_match else {}
    return stack.client.put(f"/datasets/{dataset}/concepts", json=bank, headers=headers)


def test_an_endpoint_builds_a_bank_whose_concepts_cost_and_origin_are_told(stack: Stack, bare: str) -> None:
    job = build(stack, bare)
    assert (job["status"], job["kind"], job["percent"]) == ("succeeded", "concepts_endpoint", 100.0)
    assert [step["step"] for step in job["rounds"][0]["steps"]] == ["ask_concepts", "clean_concepts"]
    response = concepts_of(stack, bare)
    bank = response.json()
    assert (response.headers["etag"], bank["version"], bank["missing"]) == ('"1"', 1, [])
    assert bank["counts"] == {label: len(bank["concepts"][label]) for label in LABELS}
    [source] = bank["sources"]
    assert (source["kind"], source["model"], source["host"].split(":")[0]) == ("endpoint", MODEL, "127.0.0.1")
    assert {c["source"] for concepts in bank["concepts"].values() for c in concepts} == {source["id"]} == {job["id"]}
    assert bank["cost"]["prompt_tokens"] == 10 * len(LABELS)
    assert stack.get(f"/datasets/{bare}")["concept_bank"]["version"] == 1


def test_the_key_is_nowhere_but_in_the_header(stack: Stack, bare: str, fake: FakeEndpoint) -> None:
    job = build(stack, bare)
    assert fake.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    fake.key, wrong = "changed", fake.key
    failed = build(stack, bare)
    fake.key = wrong
    assert failed["error"]["code"] == "endpoint_refuses"
    assert "Incorrect API key provided: ***" in failed["error"]["message"]
    with stack.parts.database.snapshot() as session:
        rows = [str(session.execute(text(f"select * from {t}")).all()) for t in ("jobs", "events", "attempts", "steps")]
    objects = b"".join(stack.parts.store.get(key) for key in stack.parts.store.list("jobs"))
    assert KEY not in "".join([*rows, str(job), str(failed)])
    assert KEY.encode() not in objects


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"source": "endpoint", "model": "m"}, "endpoint_not_allowed"),
        ({"source": "endpoint", "model": "m", "base_url": "http://127.0.0.1:5432/v1"}, "endpoint_not_allowed"),
        (
            {"source": "endpoint", "model": "m", "base_url": "http://evil.org/v1", "secret": "paid"},
            "endpoint_not_allowed",
        ),
        ({"source": "endpoint", "model": "m", "secret": "unknown"}, "endpoint_not_allowed"),
        ({"source": "endpoint", "model": "m", "secret": "paid", "labels": ["ostrich"]}, "labels_unknown"),
        ({"source": "endpoint", "model": "m", "secret": "paid", "key": "sk-mine"}, "invalid_input"),
        ({"source": "own", "model": "unheard-of"}, "model_not_served"),
        ({"source": "newest"}, "concept_bank_incomplete"),
        ({"source": "bank", "concepts": {"ostrich": ["x"]}}, "labels_unknown"),
        ({"source": "bank", "concepts": {LABELS[0]: "no list"}}, "invalid_input"),
        ({"source": "hearsay"}, "invalid_input"),
        ({"source": "bank", "concepts": {LABELS[0]: ["red\0wing"]}}, "invalid_input"),
        ({"source": "bank", "concepts": {LABELS[0]: ["\ud800"]}}, "invalid_input"),
        ({"source": "bank", "concepts": {LABELS[0]: ["wing"] * 501}}, "invalid_input"),
        ({"source": "bank", "concepts": {LABELS[0]: ["wing"]}, "name": "\0"}, "invalid_input"),
        ({"source": "own", "model": "ti\0ny"}, "invalid_input"),
        ([], "invalid_input"),
    ],
)
def test_what_cannot_become_a_bank_is_refused_at_once(stack: Stack, bare: str, request_: Any, code: str) -> None:
    response = stack.client.post(f"/datasets/{bare}/concepts", content=json.dumps(request_), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (422, code), response.text
    assert response.json()["remedy"]
    assert concepts_of(stack, bare).status_code == 404


def test_the_own_model_builds_a_bank_and_what_more_images_show_leads(stack: Stack, bare: str) -> None:
    job = build(stack, bare, source="own", model="tiny")
    assert [step["step"] for step in job["rounds"][0]["steps"]] == ["view_concepts", "clean_concepts"]
    bank = concepts_of(stack, bare).json()
    first = bank["concepts"][LABELS[1]][0]
    assert (first["concept"], first["images"]) == ("a red wing", 2)
    assert bank["sources"][0]["kind"] == "own_model"


def test_some_classes_can_be_asked_about_again(stack: Stack, bare: str) -> None:
    assert put(stack, bare, {LABELS[0]: ["hand made"]}).status_code == 200
    build(stack, bare, labels=[LABELS[1].upper()])
    bank = concepts_of(stack, bare).json()
    assert (bank["version"], bank["missing"], bank["made"]["base_version"]) == (2, [], 1)
    assert [c["concept"] for c in bank["concepts"][LABELS[0]]] == ["hand made"]
    assert sorted(source["kind"] for source in bank["sources"]) == ["endpoint", "expert"]


def test_a_given_bank_is_matched_cleaned_and_its_findings_told(stack: Stack, bare: str) -> None:
    entries = {"1": {"name": "Red-Finch", "visual_features": ["- long tail", "Long tail.", "finch-like", "weighs 9 g"]}}
    body = {"source": "bank", "name": "birds.json", "concepts": {**entries, "BLUE_wren": ["x crest"], "emu": ["y"]}}
    bank = stack.post(f"/datasets/{bare}/concepts", body, status=201)
    assert [c["concept"] for c in bank["concepts"]["red finch"]] == ["long tail"]
    assert {r["concept"]: r["reason"] for r in bank["removed"]} == {
        "Long tail.": "repeat",
        "finch-like": "gives_away",
        "weighs 9 g": "not_visual",
    }
    findings = {finding["code"]: finding["message"] for finding in bank["made"]["findings"]}
    assert {"labels_unknown", "few_concepts", "taken_out"} <= findings.keys()
    assert "emu" in findings["labels_unknown"]
    assert (bank["sources"][0]["kind"], bank["sources"][0]["name"]) == ("file", "birds.json")
    kept = stack.post(f"/datasets/{bare}/concepts", body | {"clean": False}, status=201)
    assert len(kept["concepts"]["red finch"]) == 3


def test_an_experts_edit_is_kept_as_it_is_and_tells_old_from_new(stack: Stack, bare: str) -> None:
    first = {"red finch": ["long tail", "dull back"], "blue wren": ["short tail"]}
    stack.post(f"/datasets/{bare}/concepts", {"source": "bank", "concepts": first}, status=201)
    edit = {"red finch": ["long tail", "finch-like  bill"], "Blue Wren": ["short tail"]}
    bank = put(stack, bare, edit, '"1"').json()
    assert [c["concept"] for c in bank["concepts"]["red finch"]] == ["long tail", "finch-like bill"]
    kinds = {source["id"]: source["kind"] for source in bank["sources"]}
    assert [kinds[c["source"]] for c in bank["concepts"]["red finch"]] == ["request", "expert"]
    assert [(r["concept"], r["reason"]) for r in bank["removed"]] == [("dull back", "expert")]
    assert "gives_away" in [finding["code"] for finding in bank["made"]["findings"]]


def test_two_edits_of_one_version_do_not_overwrite_each_other(stack: Stack, bare: str) -> None:
    bank = {label: ["red wing"] for label in LABELS}
    assert put(stack, bare, bank).headers["etag"] == '"1"'
    unsure = put(stack, bare, bank)
    assert (unsure.status_code, unsure.json()["code"]) == (428, "precondition_required")
    assert put(stack, bare, bank, '"1"').status_code == 200
    late = put(stack, bare, bank, '"1"')
    assert (late.status_code, late.json()["code"]) == (412, "concepts_changed")
    assert "make the edit again" in late.json()["remedy"]
    assert put(stack, bare, bank, "*").json()["version"] == 3


def test_of_edits_at_the_same_moment_one_is_taken(stack: Stack, bare: str) -> None:
    assert put(stack, bare, {label: ["red wing"] for label in LABELS}).status_code == 200
    with ThreadPoolExecutor(5) as pool:
        banks = [{label: [f"wing {k}"] for label in LABELS} for k in range(5)]
        answers = list(pool.map(lambda bank: put(stack, bare, bank, '"1"').status_code, banks))
    assert sorted(answers) == [200, 412, 412, 412, 412]
    assert [each["version"] for each in stack.get(f"/datasets/{bare}/concepts/versions")] == [2, 1]


def test_a_label_that_an_edit_misspells_is_told_with_the_right_one(stack: Stack, bare: str) -> None:
    response = put(stack, bare, {"red fnich": ["x"], "blue wren": ["y"]})
    assert response.status_code == 422
    assert response.json()["faults"] == [
        {"field": "red fnich", "message": "this is no class of the data set; did you mean 'red finch'?"}
    ]
    assert put(stack, bare, {"blue wren": [" "]}).json()["code"] == "invalid_input"


def test_versions_stay_and_a_job_keeps_the_one_that_it_began_with(stack: Stack) -> None:
    dataset = ready_dataset(stack, Path(stack.settings.import_roots[0]) / "pinned")
    job = stack.job(dataset)
    assert put(stack, dataset, {label: ["newer"] for label in LABELS}, '"1"').status_code == 200
    assert stack.job(dataset)["concept_bank_version"] == 2
    stack.play_until(lambda: stack.get(f"/jobs/{job['id']}")["is_terminal"])
    assert stack.get(f"/jobs/{job['id']}")["concept_bank_version"] == 1
    banks = {
        key for task in stack.worker.played if task.job_id == job["id"] for key in task.inputs.get("concept_bank", ())
    }
    assert len(banks) == 1
    versions = stack.get(f"/datasets/{dataset}/concepts/versions")
    assert [each["version"] for each in versions] == [2, 1]
    assert [each["made"]["source"] for each in versions] == ["expert", "dataset"]
    assert concepts_of(stack, dataset, version=1).json()["concepts"] != concepts_of(stack, dataset).json()["concepts"]
    assert concepts_of(stack, dataset, version=9).json()["code"] == "not_found"


def test_the_newest_bank_is_cleaned_on_demand(stack: Stack, bare: str) -> None:
    put(stack, bare, {"red finch": ["red finch", "- long tail"], "blue wren": ["short tail"]})
    build(stack, bare, source="newest")
    bank = concepts_of(stack, bare).json()
    assert [c["concept"] for c in bank["concepts"]["red finch"]] == ["long tail"]
    assert {r["reason"] for r in bank["removed"]} == {"gives_away"}


def test_a_class_without_an_answer_is_named_and_the_job_ends_well(stack: Stack, bare: str, fake: FakeEndpoint) -> None:
    usual = fake.says
    fake.says = lambda asked: "" if asked.label == LABELS[1] else usual(asked)
    try:
        job = build(stack, bare, ask={"tries": 1})
    finally:
        fake.says = usual
    bank = concepts_of(stack, bare).json()
    assert job["status"] == "succeeded"
    assert bank["missing"] == [LABELS[1]]
    assert bank["made"]["empty"] == {LABELS[1]: "empty: the answer is empty"}


def test_a_build_can_be_cancelled_and_lists_of_jobs_show_users_jobs_only(stack: Stack, bare: str) -> None:
    made = stack.post(f"/datasets/{bare}/concepts", {"source": "endpoint", "model": MODEL, "secret": "paid"})
    stack.post(f"/jobs/{made['id']}/cancel", {})
    stack.play_until(lambda: stack.get(f"/jobs/{made['id']}")["is_terminal"])
    assert stack.get(f"/jobs/{made['id']}")["status"] == "cancelled"
    assert made["id"] not in [job["id"] for job in stack.get("/jobs?limit=1000")["items"]]
    assert concepts_of(stack, bare).status_code == 404
