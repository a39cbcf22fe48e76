"""Local copies of adapters: whole and checked or not there, bounded, the least recently used one dropped."""

import contextlib
import hashlib
import logging
import shutil
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.generator.adapters.folder import owned_folder
from services.generator.adapters.pointer import CONFIG, WEIGHTS, Pointer, read_pointer
from shared.errors import DiskFull, NotFound, SelfSynthError, SystemFault
from shared.objects import ObjectStore

# An answer that its client gave up may be worked on a moment longer.
IDLE_S = 30.0
# Many requests for a broken adapter come at once; it is not fetched anew for each.
_FAULT_REMEMBERED_S = 2.0
_log = logging.getLogger(__name__)


@dataclass
class _Copy:
    folder: Path
    size_bytes: int
    used: float = field(default_factory=time.monotonic)


class AdapterFiles:
    """Safe to call from several threads. `folder` belongs to one process; None: a temporary one, gone when closed.

    A copy is dropped when room is needed, nobody holds its name and it was idle for `idle_s`; `on_drop` is told its
    name before the files go, so that whoever remembers their place forgets it; `on_fetch` is told
    whether they were here. Copies in use may exceed the bound.
    """

    def __init__(
        self,
        store: ObjectStore,
        base_model: str,
        folder: Path | None = None,
        limit_bytes: int = 20 * 2**30,
        idle_s: float = IDLE_S,
    ) -> None:
        self._store, self._base_model, self._limit_bytes, self._idle_s = store, base_model, limit_bytes, idle_s
        self.on_drop: Callable[[str], None] = lambda name: None
        self.on_fetch: Callable[[bool], None] = lambda is_here: None
        undo = contextlib.ExitStack()
        self._folder = undo.enter_context(owned_folder(folder))
        self.close = undo.close
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._faults: dict[str, tuple[float, SelfSynthError]] = {}
        self._fetching: dict[str, int] = {}  # and their size
        self._holders: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def names(self) -> list[str]:
        """What is here, the least recently used first."""
        with self._changed:
            return list(self._copies)

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """While this is open the name's files, once fetched, stay. Any name may be held."""
        with self._changed:
            self._holders[name] += 1
            self._touch(name)
        try:
            yield
        finally:
            with self._changed:
                self._holders[name] -= 1
                self._touch(name)
                if not self._holders[name]:
                    del self._holders[name]

    def fetch(self, name: str) -> Path:
        """The folder with the adapter's files.

        Raises NotFound for an unknown name, InvalidInput for one trained on another base model, SystemFault when the
        files are not those that the pointer names, or cannot be kept, and StoreUnavailable.
        """
        with self._changed:
            self._changed.wait_for(lambda: name not in self._fetching)
            is_here = self._touch(name)
            self.on_fetch(is_here)
            if is_here:
                return self._copies[name].folder
            self._raise_recent_fault(name)
            self._fetching[name] = 0
        try:
            copy = self._copy(name, read_pointer(self._store, name, self._base_model))
            with self._changed:
                self._copies[name] = copy
            return copy.folder
        except SystemFault as error:
            with self._changed:
                recent = {n: fault for n, fault in self._faults.items() if _is_recent(fault[0])}
                self._faults = {**recent, name: (time.monotonic(), error)}
            raise
        finally:
            with self._changed:
                del self._fetching[name]
                self._changed.notify_all()

    def _touch(self, name: str) -> bool:
        """Note a use; whether there is a copy."""
        if copy := self._copies.get(name):
            copy.used = time.monotonic()
            self._copies.move_to_end(name)
        return copy is not None

    def _raise_recent_fault(self, name: str) -> None:
        when, fault = self._faults.get(name, (0.0, None))
        if fault and _is_recent(when):
            raise fault

    def _copy(self, name: str, pointer: Pointer) -> _Copy:
        folder = self._folder / name
        with _whole_or_nothing(folder, name):
            self._make_room(name, self._store.size_bytes(f"{pointer.prefix}/{WEIGHTS}") or 0)
            for file in (CONFIG, WEIGHTS):
                self._store.get_to_file(f"{pointer.prefix}/{file}", folder / file)
            _check(folder / WEIGHTS, pointer, name)
        return _Copy(folder, sum((folder / file).stat().st_size for file in (CONFIG, WEIGHTS)))

    def _make_room(self, name: str, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise SystemFault(
                f"adapter {name!r} has {size_bytes} bytes, the adapter cache holds at most {self._limit_bytes}",
                remedy="Raise SELFSYNTH_ENGINE_ADAPTER_CACHE_BYTES.",
            )
        self._fetching[name] = size_bytes
        while dropped := self._drop_one():
            shutil.rmtree(dropped, ignore_errors=True)

    def _drop_one(self) -> Path | None:
        """Forget one copy when there is too little room and one may go. Returns its folder, to be removed unlocked."""
        with self._changed:
            here = sum(copy.size_bytes for copy in self._copies.values())
            if here + sum(self._fetching.values()) <= self._limit_bytes:
                return None
            long_ago = time.monotonic() - self._idle_s
            idle = (n for n, copy in self._copies.items() if n not in self._holders and copy.used <= long_ago)
            if (name := next(idle, None)) is None:
                _log.warning("the adapter cache exceeds its bound: every adapter in it is in use")
                return None
            self.on_drop(name)
            trash = self._folder / f".{name}.{time.monotonic_ns()}"  # no name begins with a dot
            return self._copies.pop(name).folder.rename(trash)


def _is_recent(when: float) -> bool:
    return time.monotonic() - when < _FAULT_REMEMBERED_S


def _check(weights: Path, pointer: Pointer, name: str) -> None:
    with weights.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != pointer.sha256:
            raise SystemFault(f"the files of adapter {name!r} differ from their hash", remedy="Restore the store.")


@contextlib.contextmanager
def _whole_or_nothing(folder: Path, name: str) -> Iterator[None]:
    """The name is known, so what is missing is a fault of the store; and a disk may be full."""
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            yield
        except NotFound as error:
            raise SystemFault(
                f"files of adapter {name!r} are missing: {error.message}", remedy="Restore the store."
            ) from error
        except OSError as error:
            raise DiskFull(
                f"adapter {name!r} cannot be kept in {folder.parent}: {error.strerror}",
                remedy="Free space there, or name another folder in SELFSYNTH_ENGINE_ADAPTER_CACHE.",
            ) from error
        undo.pop_all()
