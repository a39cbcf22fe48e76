"""The Secrets that the tool makes are those that the manifests name, each with what its reader needs and no more."""

import base64
import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.connection import parse_url

from tests.k8s.rendering import OVERLAYS, ROOT, of_kind, rendered, workloads
from tools.cluster_secrets import secret_objects

Secrets = dict[str, dict[str, str]]


def opened(listed: Any) -> Secrets:
    return {
        each["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in each["data"].items()}
        for each in listed["items"]
    }


@pytest.fixture(scope="module")
def made() -> Secrets:
    return opened(secret_objects())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_named_is_made(overlay: str, made: Secrets) -> None:
    pods = workloads(rendered(overlay))
    mounted = {volume["secret"]["secretName"] for pod in pods for volume in pod.spec["volumes"] if "secret" in volume}
    asked = [
        (reference["name"], reference["key"])
        for each in of_kind(rendered(overlay), "TriggerAuthentication")
        for reference in each["spec"]["secretTargetRef"]
    ]
    assert mounted | {name for name, _ in asked} <= made.keys()
    assert all(key in made[name] for name, key in asked)


def test_only_the_coordinator_and_its_migration_know_the_database(made: Secrets) -> None:
    assert {name for name, data in made.items() if "selfsynth_database_url" in data} == {"api", "migrate"}
    assert {name for name, data in made.items() if "selfsynth_engine_key" in data} == {"api", "engine", "generator"}
    assert {name for name, data in made.items() if "selfsynth_api_key" in data} == {"api"}


def test_each_service_has_an_identity_of_its_own_at_the_store(made: Secrets) -> None:
    options = [data["selfsynth_store_options"] for data in made.values() if "selfsynth_store_options" in data]
    keys = {json.loads(each)["access_key_id"] for each in options}
    identities = json.loads(made["s3"]["identities.json"])["identities"]
    assert keys == {each["credentials"][0]["accessKey"] for each in identities}
    assert len(keys) == len(options)
    actions = {each["name"]: each["actions"] for each in identities}
    assert [name for name, may in actions.items() if "Admin" in may] == ["migrate"]
    assert not any("Write" in action for name in ("engine", "weights") for action in actions[name])


def test_redis_speaks_tls_with_a_password_that_services_and_keda_know(made: Secrets) -> None:
    url = urlsplit(made["trainer"]["selfsynth_redis_url"])
    assert (url.scheme, url.query) == ("rediss", "ssl_ca_certs=/etc/selfsynth/redis/ca.crt")
    assert made["redis"]["redis.conf"] == f"requirepass {url.password}\n"
    assert made["keda-redis"]["password"] == url.password
    assert made["redis-ca"]["ca.crt"] == made["redis"]["tls.crt"]


def test_two_runs_share_no_password(made: Secrets) -> None:
    again = opened(secret_objects())
    same = [(name, key) for name, data in made.items() for key, value in data.items() if again[name][key] == value]
    assert same == [("keda-redis", "address"), ("keda-redis", "username")]


def said(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.cluster_secrets", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_stores_elsewhere_are_taken_from_the_command_line(made: Secrets) -> None:
    services = [name for name, data in made.items() if "selfsynth_store_options" in data]
    options = [word for name in services for word in ("--store-options", f'{name}={{"access_key_id": "{name}"}}')]
    stores = ["--redis-url", "rediss://me:pw@queue:6380/0", "--database-url", "postgresql+psycopg://database/name"]
    found = opened(json.loads(said(*stores, *options).stdout))
    assert found["selector"]["selfsynth_redis_url"] == "rediss://me:pw@queue:6380/0"
    assert found["keda-redis"] == {"address": "queue:6380", "username": "me", "password": "pw", "ca.crt": ""}
    assert found["trainer"]["selfsynth_store_options"] == '{"access_key_id": "trainer"}'
    assert not {"postgres", "redis", "redis-ca", "s3"} & found.keys(), "passwords of servers that are not there"


def test_keda_reads_of_a_redis_url_what_the_services_read() -> None:
    url = "rediss://me%40here:p%2Fw%25@queue:6380/0"
    found, known = opened(secret_objects(redis_url=url))["keda-redis"], parse_url(url)
    assert (found["username"], found["password"]) == (known["username"], known["password"]) == ("me@here", "p/w%")


def test_without_keda_any_redis_will_do(made: Secrets) -> None:
    found = opened(json.loads(said("--no-keda", "--redis-url", "redis://:pw@queue:6379/3").stdout))
    assert found["api"]["selfsynth_redis_url"] == "redis://:pw@queue:6379/3"
    assert made.keys() - found.keys() == {"keda-redis", "redis", "redis-ca"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--store-options", "trainr={}"), "no service 'trainr'; there are api, data-worker"),
        (("--store-options", "trainer={}"), "says nothing of api, data-worker"),
        (("--store-options", "trainer={key}"), "what follows trainer= is no JSON object"),
        (("--store-options", "trainer"), "what follows trainer= is no JSON object"),
        (("--redis-url", "queue:6379"), "not of the form rediss://"),
        (("--redis-url", "redis://:pw@queue:6379/0"), "KEDA's triggers reach Redis by TLS only: give rediss://"),
        (("--redis-url", "rediss://:pw@queue:6379/3"), "names database 3, but KEDA's triggers look into database 0"),
        (("--redis-url", "rediss://:pw@queue:6379/0?db=2"), "names database 2"),
        (("--redis-url", "rediss://:pw@queue:many/0"), "Port could not be cast"),
        (("--redis-ca", "/no/such/ca.crt"), "/no/such/ca.crt cannot be read: No such file"),
    ],
)
def test_what_the_stores_cannot_be_reached_with_is_refused_with_its_reason(
    arguments: tuple[str, ...], complaint: str
) -> None:
    ended = said(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr
