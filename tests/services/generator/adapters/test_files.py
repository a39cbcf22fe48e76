"""The cache of adapters' files against a real store in a folder."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.generator.adapters import CONFIG, WEIGHTS, AdapterFiles
from shared.errors import Conflict, InvalidInput, NotFound, SystemFault
from shared.objects import ObjectStore, open_store

_SIZE = 1000
_BOUND = 2 * _SIZE + 500


class CountingStore(ObjectStore):
    """A store that says how often weights were fetched, and takes its time."""

    fetched = 0

    def get_to_file(self, key: str, path: Path) -> None:
        if key.endswith(WEIGHTS):
            self.fetched += 1
            time.sleep(0.05)
        super().get_to_file(key, path)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    plain = open_store(f"file://{tmp_path}/store")
    return CountingStore(plain.url, plain._inner)


@pytest.fixture
def files(store: CountingStore, tmp_path: Path) -> Iterator[AdapterFiles]:
    files = AdapterFiles(store, "base", tmp_path / "cache", _BOUND, idle_s=0)
    yield files
    files.close()


def put(store: ObjectStore, name: str, size: int = _SIZE, base: str = "base", sha256: str | None = None) -> None:
    weights = name.encode().ljust(size, b".")
    store.put(f"jobs/{name}/{CONFIG}", b"{}")
    store.put(f"jobs/{name}/{WEIGHTS}", weights)
    digest = sha256 or hashlib.sha256(weights).hexdigest()
    pointer = {"name": name, "prefix": f"jobs/{name}/", "sha256": digest, "base_model": base}
    store.put(f"adapters/{name}.json", json.dumps(pointer).encode())


def test_a_name_gives_the_folder_with_its_files(files: AdapterFiles, store: CountingStore) -> None:
    put(store, "j-r1")
    folder = files.fetch("j-r1")
    assert (folder / WEIGHTS).read_bytes().startswith(b"j-r1")
    assert (folder / CONFIG).read_bytes() == b"{}"


def test_many_first_requests_fetch_once(files: AdapterFiles, store: CountingStore) -> None:
    put(store, "j-r1")
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(files.fetch, ["j-r1"] * 16))
    assert (len(folders), store.fetched) == (1, 1)


def test_the_least_recently_used_goes_and_whoever_knew_it_is_told_first(
    files: AdapterFiles, store: CountingStore
) -> None:
    folders = {}
    told: list[tuple[str, bool]] = []
    files.on_drop = lambda name: told.append((name, (folders[name] / WEIGHTS).exists()))
    for name in ("one", "two", "one", "three"):
        put(store, name)
        folders[name] = files.fetch(name)
    assert files.names == ["one", "three"]
    assert told == [("two", True)]
    assert not folders["two"].exists()
    assert files.fetch("two") == folders["two"]


def test_what_is_held_stays_even_over_the_bound(files: AdapterFiles, store: CountingStore) -> None:
    for name in ("one", "two", "three"):
        put(store, name)
    with files.hold("one"), files.hold("two"), files.hold("one"):
        folder = files.fetch("one")
        files.fetch("two")
        files.fetch("three")
        assert folder.exists()
        assert files.names == ["one", "two", "three"]
    put(store, "four")
    files.fetch("four")
    assert len(files.names) == 2


def test_what_was_used_a_moment_ago_stays(store: CountingStore, tmp_path: Path) -> None:
    files = AdapterFiles(store, "base", None, _BOUND, idle_s=60)
    for name in ("one", "two", "three"):
        put(store, name)
        files.fetch(name)
    assert files.names == ["one", "two", "three"]
    files.close()


def test_fetches_at_once_keep_the_bound_together(files: AdapterFiles, store: CountingStore) -> None:
    names = [f"n{i}" for i in range(6)]
    for name in names:
        put(store, name)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(files.fetch, names))
    put(store, "last")
    files.fetch("last")
    assert len(files.names) <= 2


@pytest.mark.parametrize("name", ["nobody", "../base", "a/b", "", ".hidden", "x" * 300, "a\0b"])
def test_a_name_that_nobody_published_is_not_found(files: AdapterFiles, name: str) -> None:
    with pytest.raises(NotFound):
        files.fetch(name)


def test_an_adapter_of_another_base_model_is_refused(files: AdapterFiles, store: CountingStore) -> None:
    put(store, "foreign", base="other")
    with pytest.raises(InvalidInput, match="'other'"):
        files.fetch("foreign")


def test_files_that_differ_from_their_hash_leave_nothing_and_are_not_fetched_for_each_request(
    files: AdapterFiles, store: CountingStore, tmp_path: Path
) -> None:
    put(store, "torn", sha256="0" * 64)
    for _ in range(3):
        with pytest.raises(SystemFault, match="'torn' differ from their hash"):
            files.fetch("torn")
    assert store.fetched == 1
    assert not list((tmp_path / "cache" / "adapters").iterdir())


def test_missing_files_are_the_stores_fault(files: AdapterFiles, store: CountingStore) -> None:
    put(store, "gone")
    store.delete(f"jobs/gone/{WEIGHTS}")
    with pytest.raises(SystemFault, match="'gone' are missing"):
        files.fetch("gone")


def test_an_adapter_larger_than_the_cache_says_what_to_raise(files: AdapterFiles, store: CountingStore) -> None:
    put(store, "huge", size=_BOUND + 1)
    with pytest.raises(SystemFault) as refused:
        files.fetch("huge")
    assert "ADAPTER_CACHE_BYTES" in refused.value.remedy


def test_two_engines_do_not_share_a_folder(files: AdapterFiles, store: CountingStore, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="another engine"):
        AdapterFiles(store, "base", tmp_path / "cache")


def test_a_folder_is_emptied_of_what_a_killed_engine_left_and_of_nothing_else(
    store: CountingStore, tmp_path: Path
) -> None:
    (tmp_path / "cache" / "adapters" / "half").mkdir(parents=True)
    (tmp_path / "cache" / "mine").write_text("keep")
    AdapterFiles(store, "base", tmp_path / "cache").close()
    assert not list((tmp_path / "cache" / "adapters").iterdir())
    assert (tmp_path / "cache" / "mine").read_text() == "keep"


def test_fetching_holding_and_dropping_at_once_never_takes_files_from_a_holder(
    files: AdapterFiles, store: CountingStore
) -> None:
    names = [f"n{i}" for i in range(5)]
    for name in names:
        put(store, name)
    until = time.monotonic() + 1.5
    missing: list[str] = []

    def use(number: int) -> None:
        while time.monotonic() < until:
            name = names[number % 5]
            number += 3
            with files.hold(name):
                folder = files.fetch(name)
                time.sleep(0.005)
                missing.extend([] if (folder / WEIGHTS).exists() else [name])

    threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missing
    assert store.fetched > 5
