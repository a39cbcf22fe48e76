"""The pods of cpu-demo run here, without a cluster, with the Secrets that the tool makes. There are PostgreSQL, Valkey
behind TLS, and an S3 server of moto's. Then a user uploads images and posts a job over REST."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto.server import ThreadedMotoServer

from selfsynth.client import Client
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack.postgres import database_url, make_cluster, postgres_program, start_postgres
from selfsynth.stack.processes import Process
from selfsynth.stack.valkey import redis_url, start_valkey, valkey_program
from tests.integration.tiny_training import TRAIN
from tests.k8s.plainly import PlainPods
from tests.k8s.rendering import ROOT, rendered
from tests.ports import free_port
from tests.servers import Postgres
from tests.tls import in_tls
from tools.cluster_secrets import secret_objects

SETTINGS: dict[str, Any] = {
    "questions": "generic",
    "describe": {"instructions": 1, "samples": 1, "max_tokens": 24},
    "synthesise": {
        "questions": 1,
        "resamples": 0,
        "max_tokens": 32,
        "fallback": "label_only",
        "max_fallback_share": 1.0,
    },
    "evaluate": {"max_tokens": 32},
    "train": TRAIN | {"lora_rank": 4, "lora_alpha": 8, "batch_size": 16},
}


@pytest.fixture(scope="module")
def secrets() -> Any:
    return secret_objects()


def read(secrets: Any, name: str, key: str) -> str:
    (found,) = [each["data"][key] for each in secrets["items"] if each["metadata"]["name"] == name]
    return base64.b64decode(found).decode()


@pytest.fixture(scope="module")
def redis(secrets: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a Valkey with the Secret's password, behind TLS with the Secret's certificate."""
    folder, port = tmp_path_factory.mktemp("valkey"), free_port()
    password = read(secrets, "redis", "redis.conf").removeprefix("requirepass ").strip()
    for name in ("tls.crt", "tls.key"):
        (folder / name).write_text(read(secrets, "redis", name))
    process = Process(valkey_program(folder / "data", port, password, folder / "valkey.log"))
    start_valkey(process, redis_url(port, password))
    with in_tls(port, (folder / "tls.crt", folder / "tls.key")) as outer:
        yield f"localhost:{outer}"
    process.stop()


@pytest.fixture(scope="module")
def database(secrets: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a PostgreSQL with the Secret's user and password, and an empty database of that name."""
    folder, port = tmp_path_factory.mktemp("postgres"), free_port()
    url = urlsplit(read(secrets, "migrate", "selfsynth_database_url"))
    make_cluster(folder / "data", url.password or "", folder / "initdb.log")
    process = Process(postgres_program(folder / "data", port, folder / "postgres.log"))
    start_postgres(process, folder / "data")
    Postgres(database_url(port, url.password or "")).create(name=url.path.strip("/"))
    yield f"127.0.0.1:{port}"
    process.stop()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="module")
def pods(
    secrets: Any, redis: str, database: str, s3: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlainPods]:
    addresses = {"postgres:5432": database, "redis:6379": redis, "s3:8333": s3}
    checkpoint = {"/source": str(ROOT / "selfsynth/demo/base/checkpoint")}
    running = PlainPods(tmp_path_factory.mktemp("pods"), rendered("cpu-demo"), secrets, addresses, checkpoint)
    with running.up():
        yield running


@pytest.fixture(scope="module")
def client(pods: PlainPods, secrets: Any) -> Iterator[Client]:
    with Client(pods.url("api"), read(secrets, "api", "selfsynth_api_key")) as opened:
        yield opened


def test_every_pod_of_the_demonstration_starts_once_and_is_well(pods: PlainPods) -> None:
    assert set(pods.running) == {"api", "data-worker", "engine", "generator", "selector", "trainer"}
    assert all(pods.is_well(name) for name in pods.running), pods.logs()


def test_a_job_that_is_posted_to_them_succeeds_and_leaves_an_adapter(
    client: Client, pods: PlainPods, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "birds", seed=11, per_class={"train": 2, "test": 1})
    uploaded = client.upload_dataset(tmp_path / "birds", "birds")
    dataset = client.wait_dataset(uploaded["id"])
    job = client.start_job(dataset=dataset["id"], model="tiny-birds", rounds=1, settings=SETTINGS)
    done = client.wait(job["id"])
    assert done["status"] == "succeeded", f"{done['error']}\n{pods.logs()}"
    client.download_adapter(job["id"], 1, tmp_path / "adapter")
    assert (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_size > 1000
    assert all(pods.is_well(name) for name in pods.running), pods.logs()
