"""ask_concepts over real HTTP: whole banks, classes without answers, killed workers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.api.concepts.ask import ask_concepts
from shared.artefacts import Manifest, read_manifest, read_rows
from shared.concepts.labels import ConceptClass
from shared.endpoints.addresses import ConceptEndpoint, EndpointNotAllowed
from shared.endpoints.asking import EndpointRefuses, EndpointUnavailable
from shared.errors import StepStopped
from shared.objects import ObjectStore, open_store
from shared.types.concept_job import ConceptClasses
from shared.types.lifecycle import StepName
from shared.types.records import Proposal
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from tests.shared.endpoints.fake_endpoint import MODEL, Asked, Failure, FakeEndpoint, concepts_for

LABELS = ("wren", "kite", "owl", "crow", "heron")
ASK = {"requests_per_minute": 60_000, "patience_s": 2.0, "in_flight": 2}


class Desk:
    """A store with classes to ask about, and attempts at the step."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.store: ObjectStore = open_store(f"file://{folder}")
        self.base_url = base_url
        classes = tuple(ConceptClass(label=label, aliases=(f"the {label}",)) for label in LABELS)
        self.store.put("classes.json", ConceptClasses(classes=classes, asked=LABELS).model_dump_json().encode())

    def ask(
        self,
        attempt: int = 1,
        check: Callable[[], None] = lambda: None,
        endpoints: dict[str, ConceptEndpoint] | None = None,
        ask: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Manifest:
        job = {"source": "endpoint", "model": MODEL, "base_url": self.base_url, "ask": {**ASK, **(ask or {})}, **fields}
        task = StepTask(
            step_id="con_1-0-ask_concepts-0",
            job_id="con_1",
            round=0,
            step=StepName.ASK_CONCEPTS,
            attempt=attempt,
            inputs={"classes": ("classes.json",)},
            output_prefix="jobs/con_1/r0/ask_concepts/s0",
            base_model=MODEL,
            teacher=MODEL,
            seed=0,
            params=job,
        )
        context = StepContext(task, self.store, check=check)
        ref = ask_concepts(context, endpoints or {}, ("loopback",))
        return read_manifest(self.store, ref.key)

    def concepts(self, manifest: Manifest) -> dict[str, tuple[str, ...]]:
        key = f"jobs/con_1/r0/ask_concepts/s0/manifest-a{manifest.attempt}.json"
        return {row.label: row.concepts for row in read_rows(self.store, [key], Proposal)}


def test_every_class_is_asked_once_and_its_cost_counted(tmp_path: Path) -> None:
    with FakeEndpoint() as fake:
        desk = Desk(tmp_path, fake.base_url)
        manifest = desk.ask()
    assert sorted(asked.label for asked in fake.asked) == sorted(LABELS)
    assert all(len(concepts) >= 2 for concepts in desk.concepts(manifest).values())
    source = manifest.extra["source"]
    assert source["prompt_tokens"] == manifest.figures["prompt_tokens"] == 10 * len(LABELS)
    assert source["completion_tokens"] > 0
    assert (source["kind"], source["model"], len(source["prompt_sha256"])) == ("endpoint", MODEL, 64)
    assert source["host"] == fake.base_url.split("/")[2]


def test_a_killed_worker_asks_only_for_the_classes_that_are_missing(tmp_path: Path) -> None:
    with FakeEndpoint() as fake:
        desk = Desk(tmp_path, fake.base_url)
        fake.hold_s = 0.4

        def stop() -> None:
            if len(fake.asked) >= 3:
                raise StepStopped("killed")

        with pytest.raises(StepStopped):
            desk.ask(check=stop, ask={"in_flight": 1})
        before = [asked.label for asked in fake.asked]
        fake.hold_s = 0.0
        manifest = desk.ask(attempt=2, ask={"in_flight": 1})
        after = [asked.label for asked in fake.asked[len(before) :]]
    assert set(before[:2]).isdisjoint(after)
    assert sorted({*before, *after}) == sorted(LABELS) == sorted(desk.concepts(manifest))
    assert manifest.figures["prompt_tokens"] == 10 * len(LABELS)


def test_a_class_that_stays_empty_is_told_by_name_and_the_others_are_there(tmp_path: Path) -> None:
    def says(asked: Asked) -> str | dict[str, Any]:
        odd: dict[str, str | dict[str, Any]] = {
            "owl": {"message": {"content": None, "refusal": "I will not."}},
            "crow": "",
            "kite": {"message": {"content": "[" * 9000}},
        }
        return odd.get(asked.label) or ("" if asked.label == "crow" else concepts_for(asked))

    with FakeEndpoint(says) as fake:
        desk = Desk(tmp_path, fake.base_url)
        manifest = desk.ask(ask={"tries": 2})
    assert manifest.extra["empty"].keys() == {"owl", "crow", "kite"}
    assert manifest.extra["empty"]["owl"] == "refused: I will not."
    assert len(fake.asked) == 2 + 3 * 2
    assert {label for label, found in desk.concepts(manifest).items() if found} == {"wren", "heron"}


def test_an_answer_of_any_form_is_used(tmp_path: Path) -> None:
    forms = {"wren": "- red wing\n- long tail", "kite": '["red wing"]', "owl": '```\n{"x": ["red wing"]}\n```'}
    with FakeEndpoint(
        lambda asked: forms.get(asked.label) or concepts_for(asked), refused=("response_format",)
    ) as fake:
        desk = Desk(tmp_path, fake.base_url)
        found = desk.concepts(desk.ask())
    assert (found["wren"], found["kite"], found["owl"]) == (("- red wing", "- long tail"), ("red wing",), ("red wing",))


def test_no_usable_answer_at_all_is_the_users_fault(tmp_path: Path) -> None:
    with (
        FakeEndpoint(lambda asked: "no") as fake,
        pytest.raises(EndpointRefuses, match="no usable answer for any class"),
    ):
        Desk(tmp_path, fake.base_url).ask(ask={"tries": 1})


def test_an_endpoint_that_goes_away_leaves_what_was_answered(tmp_path: Path) -> None:
    with FakeEndpoint() as fake:
        desk = Desk(tmp_path, fake.base_url)
        fake.failures = [Failure(500)] * 1000
        with pytest.raises(EndpointUnavailable):
            desk.ask(ask={"patience_s": 0.2})
        fake.failures = []
        assert len(desk.concepts(desk.ask(attempt=2, ask={"patience_s": 0.2}))) == len(LABELS)


def test_the_worker_checks_the_address_again(tmp_path: Path) -> None:
    with pytest.raises(EndpointNotAllowed):
        Desk(tmp_path, "http://192.0.2.1/v1").ask()


def test_the_key_is_sent_and_in_no_object_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "sk-in-no-object")
    with FakeEndpoint(key="sk-in-no-object") as fake:
        desk = Desk(tmp_path, fake.base_url)
        bound = {"paid": ConceptEndpoint(base_url=fake.base_url, key_env="THE_KEY")}
        desk.ask(endpoints=bound, secret="paid")
        fake.key = "changed"
        with pytest.raises(EndpointRefuses, match=r"Incorrect API key provided: \*\*\*"):
            desk.ask(attempt=2, endpoints=bound, secret="paid", ask={"temperature": 0.1})
    objects = b"".join(desk.store.get(key) for key in desk.store.list(""))
    assert b"sk-in-no-object" not in objects
    assert json.loads(desk.store.get("classes.json"))
