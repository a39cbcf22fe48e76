"""A coordinator on real servers: PostgreSQL, Valkey, a directory as object store, uvicorn on a free port."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from redis import Redis

from services.api.app import create_app
from services.api.database.connection import Database
from services.api.settings import ApiSettings
from services.api.wiring import Parts, build
from shared.objects import open_store
from tests.ports import free_port
from tests.servers import Postgres, postgres, valkey_url
from tests.services.api.engine import running_engine
from tests.services.api.fake_worker import FakeWorker
from tests.services.api.pictures import reference_folder

__all__ = ["postgres", "valkey_url"]

KEY, TOKEN = "key-of-the-tests", "token-of-the-tests"
PATIENCE_S = 30.0


@dataclass
class Stack:
    """A running coordinator and its client (with the API key)."""

    url: str
    settings: ApiSettings
    parts: Parts
    client: httpx.Client
    worker: FakeWorker

    def get(self, path: str) -> Any:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any, status: int = 202) -> Any:
        response = self.client.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    def play_until(self, done: Callable[[], bool]) -> None:
        self.worker.play_until(done, Patience())

    def next_task(self) -> Any:
        """The next message, which must come."""
        return wait_for(self.worker.take)

    def dataset(self, folder: Path, **options: Any) -> Any:
        """Register the folder and play its ingest; the data set as it then is."""
        made = self.post("/datasets", {"name": "birds", "source": {"path": str(folder)}, **options})
        path = f"/datasets/{made['id']}"
        self.play_until(lambda: self.get(path)["status"] != "validating")
        return self.get(path)

    def job(self, dataset: str, **fields: Any) -> Any:
        return self.post("/jobs", {"dataset": dataset, "model": "tiny", "rounds": 1, **fields})


class Patience:
    """Called while there is nothing to do; fails when that lasts too long."""

    def __init__(self) -> None:
        self._until = time.monotonic() + PATIENCE_S

    def __call__(self) -> None:
        assert time.monotonic() < self._until, "nothing came"
        time.sleep(0.01)


def wait_for(look: Callable[[], Any]) -> Any:
    """What `look` returns once it is true."""
    patience = Patience()
    while not (found := look()):
        patience()
    return found


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """A migrated database that each test copies."""
    database = Database(postgres.create(name="template_api"))
    database.migrate()
    database.close()
    return "template_api"


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    with running_engine() as url:
        yield url


@pytest.fixture(scope="session")
def new_settings(postgres: Postgres, template: str, valkey_url: str, engine_url: str) -> Callable[[Path], ApiSettings]:
    """Settings of a new coordinator: a database and a store of its own, and the one queue, emptied."""

    def new(folder: Path) -> ApiSettings:
        Redis.from_url(valkey_url).flushall()
        return ApiSettings.model_validate(
            {
                "store_url": f"file://{folder / 'store'}",
                "database_url": postgres.create(template),
                "redis_url": valkey_url,
                "api_key": KEY,
                "worker_token": TOKEN,
                "engine_url": engine_url,
                "import_roots": (folder,),
                "reconcile_s": 0.05,
                "retry_delay_s": 0.01,
                "body_limit_bytes": 20_000,
                "upload_limit_bytes": 100_000,
            }
        )

    return new


@pytest.fixture
def settings(new_settings: Callable[[Path], ApiSettings], tmp_path: Path) -> ApiSettings:
    return new_settings(tmp_path)


@contextmanager
def serving(settings: ApiSettings) -> Iterator[Stack]:
    """The coordinator under uvicorn in a thread, stopped at the end."""
    parts, port = build(settings), free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(parts), port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    url = f"http://127.0.0.1:{port}"
    worker = FakeWorker(
        settings.redis_url.get_secret_value(), url, TOKEN, open_store(settings.store_url), settings.import_roots
    )
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as client:
        yield Stack(url, settings, parts, client, worker)
    server.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture
def stack(settings: ApiSettings) -> Iterator[Stack]:
    with serving(settings) as running:
        yield running


@pytest.fixture
def ready(stack: Stack, tmp_path: Path) -> str:
    """The id of a data set of two classes, ready for jobs."""
    return ready_dataset(stack, tmp_path)


@pytest.fixture(scope="module")
def standing(new_settings: Callable[[Path], ApiSettings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A coordinator for all tests of a module that leave it as it is."""
    with serving(new_settings(tmp_path_factory.mktemp("standing"))) as running:
        yield running


@pytest.fixture(scope="module")
def known(standing: Stack) -> str:
    """The id of a data set in the standing coordinator."""
    return ready_dataset(standing, standing.settings.import_roots[0])


def ready_dataset(stack: Stack, folder: Path) -> str:
    dataset = stack.dataset(reference_folder(folder))
    assert dataset["status"] == "ready", dataset
    return str(dataset["id"])
