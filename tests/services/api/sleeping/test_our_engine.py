"""Our own engine keeps the contract of one that sleeps, over a real model; on a CPU it says that it cannot."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch
from transformers import AutoProcessor

from services.generator.adapters import AdapterFiles
from services.generator.engine.app import Engine, create_app
from services.generator.engine.model import VisionLanguageModel
from services.generator.engine.settings import EngineSettings
from services.generator.liveness import read
from shared.objects import open_store
from tests.models import tiny_llava
from tests.services.api.sleeping.contract import NoSleepContract, Served, SleepContract
from tests.services.generator.engine.serving import ask, asking, picture, publish, running, serving, texts


class Dozing(VisionLanguageModel):
    """Takes every machine's device for one that it may leave; on a CPU it moves nowhere."""

    can_sleep = True


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[httpx.Client]:
    settings = EngineSettings(engine_model=model, engine_name="base", store_url=f"file://{model}")
    files = AdapterFiles(open_store(settings.store_url), "base", None, 1 << 20)
    engine = Engine(settings, Dozing(model, 1), AutoProcessor.from_pretrained(model), files)
    with running(create_app(engine)) as client:
        yield client


class TestOurEngine(SleepContract):
    """On a device that it may leave."""

    @pytest.fixture
    def awake(self, client: httpx.Client) -> Served:
        return Served(str(client.base_url))


@pytest.mark.skipif(torch.cuda.is_available(), reason="here it can sleep")
class TestOurEngineOnACpu(NoSleepContract):
    """Where it can leave nothing."""

    @pytest.fixture
    def sleepless(self, model: Path, tmp_path: Path) -> Iterator[Served]:
        with serving(model, tmp_path) as client:
            yield Served(str(client.base_url))


def test_asleep_it_refuses_requests_and_is_alive_and_awake_it_says_the_same_as_before(
    client: httpx.Client, model: Path
) -> None:
    engines = Served(str(client.base_url)).engines
    publish(model, model, "job-r1", std=0.3)
    requests = [asking(picture(0), temperature=0), asking(picture(0), temperature=0, model="job-r1")]
    before = [texts(ask(client, request)) for request in requests]
    engines.put(True)
    refusal = ask(client, requests[0])
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, "asleep")
    reading = read(client, str(client.base_url))
    assert reading is not None
    assert reading.is_asleep
    engines.put(False)
    assert [texts(ask(client, request)) for request in requests] == before
    assert before[0] != before[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_asleep_it_holds_next_to_nothing_of_the_gpu(model: Path) -> None:
    resting = VisionLanguageModel(model, 1)
    held = torch.cuda.memory_allocated()
    assert resting.can_sleep
    resting.sleep()
    assert torch.cuda.memory_allocated() < held / 10
    resting.wake_up()
    assert torch.cuda.memory_allocated() >= held
