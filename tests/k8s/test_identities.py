"""With `{}` as its store options a service gets its keys from the cloud, by the token that the cloud mounts."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.objects import ObjectStore, open_store

_KEYS = {"AccessKeyId": "AKIAAGENT", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}


@dataclass
class Cloud:
    """The agent of EKS Pod Identity and the object store, both at `url`."""

    url: str = ""
    tokens: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)

    def store(self) -> ObjectStore:
        return open_store("s3://bucket/prefix", {"endpoint": self.url, "region": "eu-west-1"})


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    seen = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.tokens.append(self.headers["Authorization"])
            self._answer(200, json.dumps(_KEYS).encode())

        def do_HEAD(self) -> None:
            seen.signed.append(self.headers["Authorization"])
            self._answer(404, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen.url = f"http://127.0.0.1:{server.server_port}"
        yield seen
        server.shutdown()


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "token").write_text("of-the-pod")
    return tmp_path / "token"


def test_the_store_is_asked_with_the_keys_that_the_agent_of_pod_identity_gives_for_the_token(
    cloud: Cloud, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{cloud.url}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
    assert cloud.store().size_bytes("key") is None
    assert set(cloud.tokens) == {"of-the-pod"}
    assert "Credential=AKIAAGENT/" in cloud.signed[0]


def test_with_a_role_the_token_service_is_asked_and_only_over_tls(
    cloud: Cloud, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IRSA. The one here speaks no TLS, so that is where it ends."""
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/selfsynth-trainer")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    with pytest.raises(StoreUnavailable, match=r"performing POST[\s\S]*BadScheme"):
        cloud.store().size_bytes("key")
    assert cloud.signed == []
