"""The bucket of an S3 server of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from services.api import bucket
from shared.errors import StoreUnavailable
from shared.objects import open_store
from tests.ports import free_port

KEYS = {"region": "us-east-1", "access_key_id": "k", "secret_access_key": "s"}


@pytest.fixture
def endpoint() -> Iterator[str]:
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_the_bucket_is_made_and_making_it_again_keeps_what_is_in_it(endpoint: str) -> None:
    options = KEYS | {"endpoint": endpoint}
    bucket.make_bucket("s3://made/prefix", options)
    store = open_store("s3://made/prefix", options)
    store.put("key", b"kept")
    bucket.make_bucket("s3://made/prefix", options)
    assert store.get("key") == b"kept"


def test_a_name_that_the_server_refuses_is_told(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket.make_bucket.retry, "stop", lambda state: True)
    with pytest.raises(StoreUnavailable, match="'NO'"):
        bucket.make_bucket("s3://NO", KEYS | {"endpoint": endpoint})


def test_a_directory_needs_no_bucket(tmp_path: Path) -> None:
    bucket.make_bucket(f"file://{tmp_path}/objects", {})
    assert not (tmp_path / "objects").exists()
