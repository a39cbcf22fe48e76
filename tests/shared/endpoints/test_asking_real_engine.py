"""The engine of ours keeps the same contract as the fake endpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.endpoints.asking import Endpoint
from tests.models import tiny_llava
from tests.services.generator.engine.serving import serving
from tests.shared.endpoints.endpoint_contract import EndpointContract, Reached


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    folder: Path = tmp_path_factory.mktemp("engine")
    with serving(tiny_llava(folder / "model"), folder, engine_key=SecretStr("secret")) as client:
        base_url = str(client.base_url).rstrip("/") + "/v1"
        yield Reached(Endpoint(base_url, "base", SecretStr("secret")))


class TestRealEngine(EndpointContract):
    """The engine on transformers keeps the contract."""
