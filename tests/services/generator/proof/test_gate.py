"""The gate with our own engine: the right adapter passes, whatever else answers under its name does not."""

from pathlib import Path

import httpx
import pytest

from services.generator.chat import Engine
from services.generator.proof import prove
from services.generator.wiring import build_steps
from shared.errors import EngineUnavailable, StepStopped, SystemFault
from shared.types.lifecycle import StepName
from shared.types.probes import PROBES
from tests.services.generator.engine.serving import publish
from tests.services.generator.fake_engine import FakeEngine
from tests.services.generator.proof.scene import answering_as, context, publish_probed


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
    prove(context(store, name), engine)


@pytest.mark.parametrize("name", ["j-r1", "weak-r1"])
def test_an_adapter_that_is_ignored_has_no_effect(store: Path, engine: Engine, client: httpx.Client, name: str) -> None:
    with (
        answering_as(client, {name: "base"}) as url,
        pytest.raises(SystemFault, match="as the base model does") as error,
    ):
        prove(context(store, name), Engine(url))
    assert error.value.code == "adapter_has_no_effect"
    assert "LoRA" in error.value.remedy


def test_another_adapter_under_the_name_disagrees(store: Path, engine: Engine, client: httpx.Client) -> None:
    with answering_as(client, {"j-r1": "old-r1"}) as url, pytest.raises(SystemFault, match="'j-r1'") as error:
        prove(context(store, "j-r1"), Engine(url))
    assert error.value.code == "adapter_disagrees"


def test_an_engine_that_answers_with_an_adapter_for_the_base_disagrees(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    with (
        answering_as(client, {"base": "strong-r1"}) as url,
        pytest.raises(SystemFault, match="the base itself") as error,
    ):
        prove(context(store, "j-r1"), Engine(url))
    assert error.value.code == "adapter_disagrees"


def test_a_step_asks_nothing_of_an_adapter_that_is_not_served(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    with answering_as(client, {"j-r1": "base"}) as url, pytest.raises(SystemFault) as error:
        build_steps(Engine(url))[StepName.EVALUATE](context(store, "j-r1"))
    assert error.value.code == "adapter_has_no_effect"


def test_an_adapter_without_probes_is_used_and_the_log_says_so(
    store: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    prove(context(store, "old-r1"), engine)
    prove(context(store, "never-published"), engine)
    assert capsys.readouterr().out.count("used unproven") == 2


def test_probes_that_cannot_be_read_fail_the_step(model: Path, store: Path, engine: Engine) -> None:
    (publish(model, store, "torn-r1") / PROBES).write_text("{}")
    with pytest.raises(SystemFault, match="'torn-r1' cannot be read"):
        prove(context(store, "torn-r1"), engine)


def test_an_engine_that_tells_no_log_probabilities_proves_nothing(store: Path, engine: Engine) -> None:
    with FakeEngine() as fake, pytest.raises(SystemFault) as error:
        prove(context(store, "j-r1"), Engine(fake.url))
    assert error.value.code == "adapter_not_proven"


def test_an_engine_that_is_away_is_waited_for_and_a_cancel_is_heard(store: Path, engine: Engine) -> None:
    away = Engine("http://127.0.0.1:9", patience_s=0.3)
    with pytest.raises(EngineUnavailable, match="failed for 0 s"):
        prove(context(store, "j-r1"), away)

    with pytest.raises(EngineUnavailable, match=r"9/metrics does not answer either"):
        build_steps(away)[StepName.EVALUATE](context(store, "j-r1"))

    def stop() -> None:
        raise StepStopped

    with pytest.raises(StepStopped):
        prove(context(store, "j-r1", check=stop), Engine("http://127.0.0.1:9", patience_s=60))


def test_every_replica_is_looked_at_and_one_that_is_away_is_passed_over(
    store: Path, engine: Engine, client: httpx.Client
) -> None:
    prove(context(store, "j-r1"), Engine(f"{engine.url},http://127.0.0.1:9"))
    with answering_as(client, {"j-r1": "base"}) as url, pytest.raises(SystemFault, match=url):
        prove(context(store, "j-r1"), Engine(f"{engine.url},{url}"))
