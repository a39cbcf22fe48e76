"""Real vLLM, on a CPU and behind our launcher, keeps the contract of an engine that cannot sleep."""

import pytest

from services.api.sleeping.engines import CannotSleep
from tests.services.api.sleeping.contract import NoSleepContract, Served
from tests.vllm_server import KEY, Vllm


class TestRealVllm(NoSleepContract):
    """vLLM's own code would say on a CPU that it sleeps, and give nothing free."""

    @pytest.fixture
    def sleepless(self, vllm: Vllm) -> Served:
        return Served(vllm.url, KEY)

    def test_it_says_what_would_let_it(self, sleepless: Served) -> None:
        with pytest.raises(CannotSleep, match="SELFSYNTH_ENGINE_SLEEP=true, on a GPU"):
            sleepless.engines.require_sleep()
