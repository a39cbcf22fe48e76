"""One contract, two stores: a directory and a real S3-speaking server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from obstore.store import S3Store

from shared.errors import Conflict, NotFound, StoreFull, StoreUnavailable
from shared.objects import ObjectStore, _store_error, open_store
from tests.ports import free_port
from tests.shared.cutting_s3 import CuttingS3


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        _wait_until_up(endpoint)
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(Bucket="bucket")
        options = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "k", "secret_access_key": "s"}
        yield open_store("s3://bucket/some/prefix", options)
        server.kill()


def _wait_until_up(endpoint: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{endpoint}/moto-api/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the S3 server did not come up")


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        return open_store(f"file://{tmp_path}/new/folder")
    return request.getfixturevalue("s3")


def test_what_is_put_is_got_whole_and_in_ranges(store: ObjectStore) -> None:
    store.put("a/b.bin", b"0123456789")
    assert store.get("a/b.bin") == b"0123456789"
    assert store.get_range("a/b.bin", 3, 4) == b"3456"
    assert store.size_bytes("a/b.bin") == 10


def test_a_put_replaces_and_a_create_does_not(store: ObjectStore) -> None:
    store.put("once", b"1")
    store.put("once", b"2")
    with pytest.raises(Conflict, match="'once' exists already"):
        store.create("once", b"3")
    assert store.get("once") == b"2"
    store.create("fresh", b"4")
    assert store.get("fresh") == b"4"
    store.delete("fresh")


def test_a_missing_object_is_named(store: ObjectStore) -> None:
    with pytest.raises(NotFound, match="'not/there'"):
        store.get("not/there")
    assert store.size_bytes("not/there") is None
    store.delete("not/there")


def test_listing_is_by_folder_and_sorted(store: ObjectStore) -> None:
    for key in ("list/r1/b", "list/r1/a", "list/r10/c"):
        store.put(key, b"")
    assert store.list("list/r1") == ["list/r1/a", "list/r1/b"]
    assert store.list("list/none") == []


def test_a_large_file_goes_through_in_chunks(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 80_000)
    store.put_file("large", source)
    store.get_to_file("large", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


def test_an_empty_object_and_an_empty_file_are_read(store: ObjectStore, tmp_path: Path) -> None:
    store.put("orange/empty", b"")  # a name that looks like the error
    assert store.get("orange/empty") == b""
    store.get_to_file("orange/empty", tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""


def test_an_object_that_is_replaced_while_it_is_read_is_never_a_mixture(store: ObjectStore, tmp_path: Path) -> None:
    small_chunks = ObjectStore(store.url, store._inner, chunk_bytes=4)
    store.put("changing", b"aaaabbbb")
    chunks = small_chunks.stream("changing")
    assert next(chunks) == b"aaaa"
    store.put("changing", b"ccccdddd")
    with pytest.raises(StoreUnavailable, match=r"'changing' in .* was replaced while it was read"):
        next(chunks)
    assert list(small_chunks.stream("changing")) == [b"cccc", b"dddd"]


def test_time_and_retries_are_bounded_for_a_chunk_and_not_for_an_object(tmp_path: Path) -> None:
    """A server that cuts every answer short. With three retries for the whole object it could not be read."""
    body = bytes(range(256)) * 4096
    with CuttingS3(body, after_bytes=50_000) as server:
        config = {"endpoint": server.url, "region": "x", "access_key_id": "k", "secret_access_key": "s"}
        backoff = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
        retries = {"max_retries": 3, "retry_timeout": timedelta(seconds=60), "backoff": backoff}
        inner = S3Store("cut", config=config, client_options={"allow_http": True}, retry_config=retries)
        store = ObjectStore("s3://cut", inner, chunk_bytes=100_000)
        assert b"".join(store.stream("key")) == body == store.get("key")
        store.get_to_file("key", tmp_path / "file")
        with pytest.raises(StoreUnavailable, match="s3://cut failed for 'key'"):
            ObjectStore("s3://cut", inner).get_to_file("key", tmp_path / "other")
    assert (tmp_path / "file").read_bytes() == body
    assert not (tmp_path / "other").exists()


def test_a_store_that_does_not_answer_is_named_with_its_url() -> None:
    config = {
        "endpoint": f"http://127.0.0.1:{free_port()}",
        "region": "x",
        "access_key_id": "k",
        "secret_access_key": "s",
    }
    inner = S3Store("gone", config=config, client_options={"allow_http": True}, retry_config={"max_retries": 0})
    with pytest.raises(StoreUnavailable, match="s3://gone"):
        ObjectStore("s3://gone", inner).get("key")


def test_a_full_disk_is_told_from_other_failures() -> None:
    assert isinstance(_store_error("file:///x", "k", OSError(28, "No space left on device")), StoreFull)
    assert not isinstance(_store_error("file:///x", "k", OSError(5, "Input/output error")), StoreFull)


def test_a_wrong_url_says_what_is_expected() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store("nonsense://x")
    assert "file:///folder or s3://bucket" in caught.value.remedy
