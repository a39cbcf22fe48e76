"""The gate with our own engine: the right adapter passes, whatever else answers under its name does not."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.generator.chat import Engine
from services.generator.proof import guarded
from services.generator.steps import describe
from services.generator.wiring import build_steps
from shared.artefacts import read_rows
from shared.errors import EngineUnavailable, StepStopped, SystemFault
from shared.types.lifecycle import StepName
from shared.types.probes import PROBES
from shared.types.records import Description
from shared.worker.context import StepContext
from tests.services.generator.engine.serving import picture, publish
from tests.services.generator.fake_engine import FakeEngine
from tests.services.generator.proof.scene import answering_as, ask_guarded, context, is_proven_first, publish_probed
from tests.services.generator.steps.scene import build_scene

SETTINGS = {"describe": {"instructions": 2, "samples": 2, "max_tokens": 4}}
AWAY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def adapters(model: Path, store: Path) -> None:
    publish_probed(model, store, "j-r1", seed=1)
    publish_probed(model, store, "weak-r1", seed=2, std=0.001)
    publish(model, store, "old-r1", seed=3)
    publish(model, store, "strong-r1", seed=4, std=0.5)


@pytest.fixture
def engine(adapters: None, client: httpx.Client) -> Engine:
    return Engine(str(client.base_url), patience_s=2.0)


@pytest.mark.parametrize("name", ["j-r1", "weak-r1", "base"])
def test_what_is_served_as_it_was_trained_passes(store: Path, engine: Engine, name: str) -> None:
    ask_guarded(context(store, name), engine)


@pytest.mark.parametrize("name", ["j-r1", "weak-r1"])
def test_an_adapter_that_is_ignored_has_no_effect(store: Path, engine: Engine, client: httpx.Client, name: str) -> None:
    with (
        answering_as(client, {name: "base"}) as url,
        pytest.raises(SystemFault, match="as the base model does") as error,
    ):
        ask_guarded(context(store, name), Engine(url))
    assert error.value.code == "adapter_has_no_effect"
    assert "LoRA" in error.value.remedy


def test_another_adapter_under_the_name_disagrees(store: Path, engine: Engine, client: httpx.Client) -> None:
    with answering_as(client, {"j-r1": "old-r1"}) as url, pytest.raises(SystemFault, match="'j-r1'") as error:
        ask_guarded(context(store, "j-r1"), Engine(url))
    assert error.value.code == "adapter_disagrees"


def test_an_engine_that_answers_with_an_adapter_for_the_base_disagrees(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    with (
        answering_as(client, {"base": "strong-r1"}) as url,
        pytest.raises(SystemFault, match="the base itself") as error,
    ):
        ask_guarded(context(store, "j-r1"), Engine(url))
    assert error.value.code == "adapter_disagrees"


def test_a_step_asks_nothing_of_an_adapter_that_is_not_served(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    asked: list[dict[str, Any]] = []
    with answering_as(client, {"j-r1": "base"}, asked) as url, pytest.raises(SystemFault) as error:
        build_steps(Engine(url))[StepName.DESCRIBE](describing(store, "j-r1"))
    assert error.value.code == "adapter_has_no_effect"
    assert asked
    assert all(request["logprobs"] for request in asked)


def describing(store: Path, teacher: str, seed: int = 0) -> StepContext:
    """Another seed for each step that is to leave something, since it would find what another left."""
    scene = build_scene(store, train=16, image_of=picture)
    return scene.context(StepName.DESCRIBE, SETTINGS, teacher=teacher, base_model="base", seed=seed)


def test_an_adapter_without_probes_is_used_and_the_log_says_so(
    store: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("old-r1", "never-published"):
        assert guarded(context(store, name), engine) == engine
    assert caplog.text.count("used unproven") == 2


def test_probes_that_cannot_be_read_fail_the_step(model: Path, store: Path, engine: Engine) -> None:
    (publish(model, store, "torn-r1") / PROBES).write_text("{}")
    with pytest.raises(SystemFault, match="'torn-r1' cannot be read"):
        ask_guarded(context(store, "torn-r1"), engine)


def test_an_engine_that_tells_no_log_probabilities_proves_nothing(store: Path, engine: Engine) -> None:
    with FakeEngine() as fake, pytest.raises(SystemFault) as error:
        ask_guarded(context(store, "j-r1"), Engine(fake.url))
    assert error.value.code == "adapter_not_proven"


def test_an_engine_that_is_away_is_waited_for_and_a_cancel_is_heard(store: Path, engine: Engine) -> None:
    with pytest.raises(EngineUnavailable, match=r"failed for 0 s.*9/metrics does not answer either"):
        build_steps(Engine(AWAY, patience_s=0.3))[StepName.DESCRIBE](describing(store, "j-r1"))

    def stop() -> None:
        raise StepStopped

    with pytest.raises(StepStopped):
        build_steps(Engine(AWAY, patience_s=60))[StepName.DESCRIBE](replace(describing(store, "j-r1"), check=stop))


def test_a_replica_that_is_away_is_passed_over_and_one_that_ignores_the_adapter_is_not(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    ask_guarded(context(store, "j-r1"), replace(engine, url=f"{engine.url},{AWAY}"), images=range(6))
    with answering_as(client, {"j-r1": "base"}) as url, pytest.raises(SystemFault, match=url):
        ask_guarded(context(store, "j-r1"), replace(engine, url=f"{engine.url},{url}"), images=range(20))


def test_a_replica_that_joins_mid_step_is_proven_before_it_is_asked(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    asked: list[dict[str, Any]] = []
    step = describing(store, "j-r1", seed=1)
    with answering_as(client, {}, asked) as joining:
        rows = list(
            read_rows(step.store, [describe.run(step, guarded(step, joined_by(engine, joining))).key], Description)
        )
    assert len({(row.example_id, row.instruction, row.sample) for row in rows}) == len(rows) == 16 * 4
    assert is_proven_first(asked)


def test_a_replica_that_joins_mid_step_and_ignores_the_adapter_fails_the_step(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    asked: list[dict[str, Any]] = []
    with answering_as(client, {"j-r1": "base"}, asked) as joining, pytest.raises(SystemFault, match=joining) as error:
        build_steps(joined_by(engine, joining))[StepName.DESCRIBE](describing(store, "j-r1", seed=2))
    assert error.value.code == "adapter_has_no_effect"
    assert all("logprobs" in request for request in asked)


def joined_by(engine: Engine, other: str) -> Engine:
    """The engine, and from its third look-up on another replica."""
    looks = count()

    async def resolve(url: str) -> Sequence[str]:
        return [engine.url, other] if next(looks) > 2 else [engine.url]

    return replace(engine, url="dns+http://engines:80", in_flight=1, resolve=resolve, resolve_every_s=0.0)
