"""Who may come in."""

import httpx
import pytest

from tests.services.api.conftest import KEY, TOKEN, Stack


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Bearer", f"Basic {KEY}", f"Bearer {TOKEN}", f"Bearer {KEY}x"]
)
def test_a_request_without_the_right_key_is_refused(standing: Stack, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    response = httpx.post(f"{standing.url}/jobs", content=b"not even json", headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorised"
    assert response.headers["www-authenticate"] == "Bearer"


def test_the_users_key_does_not_open_the_workers_door(standing: Stack) -> None:
    path, said = f"{standing.url}/internal/steps/x/started", {"attempt": 1, "worker": "w"}
    assert httpx.post(path, json=said, headers={"Authorization": f"Bearer {KEY}"}).status_code == 401
    assert httpx.post(path, json=said, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


def test_liveness_is_open_and_health_is_not(standing: Stack) -> None:
    assert httpx.get(f"{standing.url}/health/live").json() == {"status": "ok"}
    assert httpx.get(f"{standing.url}/health").status_code == 401
    health = standing.get("/health")
    assert health["parts"] == {"database": "ok", "queue": "ok", "store": "ok", "engine": "ok"}


def test_the_addresses_are_described_to_all(standing: Stack) -> None:
    schema = httpx.get(f"{standing.url}/openapi.json").json()
    posted = schema["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"dataset", "model", "rounds", "settings"} <= posted["properties"].keys()
    assert not [path for path in schema["paths"] if path.startswith("/internal")]
