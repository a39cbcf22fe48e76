"""Artefacts: Parquet part files plus a manifest written last. Knows rows and parts, nothing of what a step does.

A step's work is a list of units (examples, say), cut into parts of a fixed number of units. Part k is one object, put
atomically, whose name carries the fingerprint of everything it depends on, its number and the attempt that wrote it. A
later attempt writes only the parts that no earlier one left; the manifest lists exactly one object a part.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from shared.ahead import ahead
from shared.errors import NotFound, SystemFault
from shared.objects import ObjectStore
from shared.types.records import Record
from shared.types.tasks import StepTask

R = TypeVar("R", bound=Record)
_PART = re.compile(r"/p(\d{5,})-a(\d+)\.parquet$")
# Parts that are read ahead: each is small, and a far store takes its time for every one.
_AHEAD = 8


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    rows: int
    sha256: str
    size_bytes: int


class Manifest(BaseModel):
    """What a step leaves. `figures` are counts and numbers that may be summed over shards; `extra` holds keys of
    further objects (an adapter's files, say)."""

    model_config = ConfigDict(frozen=True)

    step_id: str
    attempt: int
    record: str
    fingerprint: str
    parts: tuple[Part, ...]
    figures: dict[str, float] = {}
    extra: dict[str, Any] = {}

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


class ManifestRef(BaseModel):
    """A manifest's key and the SHA-256 of its bytes: what a worker hands to the coordinator to accept."""

    model_config = ConfigDict(frozen=True)

    key: str
    sha256: str


def fingerprint(task: StepTask) -> str:
    """SHA-256 over all that a step's rows depend on: parts of other settings or inputs are never mixed in."""
    facts = task.model_dump(mode="json", exclude={"attempt", "lease_s", "output_prefix", "traceparent"})
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def pinned(task: StepTask, **depends_on: Any) -> StepTask:
    """The task whose fingerprint also tells what else, beside the message, its rows depend on (JSON values): that may
    change between two attempts, and parts of both must not be mixed."""
    return task.model_copy(update={"params": {**task.params, "depends_on": depends_on}})


class ArtefactWriter(Generic[R]):
    """Writes one shard's parts and, last, its manifest. Safe beside a stale attempt: names carry the attempt."""

    def __init__(self, store: ObjectStore, task: StepTask, record: type[R]) -> None:
        self._store = store
        self._task = task
        self._record = record
        self._fingerprint = fingerprint(task)
        self._folder = f"{task.output_prefix}/{self._fingerprint[:12]}"
        self._parts = self._complete_parts()

    @property
    def done(self) -> frozenset[int]:
        """Numbers of the parts that are complete, by this or an earlier attempt."""
        return frozenset(self._parts)

    def put(self, number: int, rows: Sequence[R]) -> None:
        """Store part `number`. A part that is complete already is left as it is."""
        if number in self._parts:
            return
        body = encode_rows(self._record, rows)
        key = f"{self._folder}/p{number:05d}-a{self._task.attempt}.parquet"
        self._store.put(key, body)
        self._parts[number] = _part_of(key, body)

    def read(self) -> Iterator[R]:
        """All rows of the complete parts, in part order."""
        for rows in self.read_parts():
            yield from rows

    def read_parts(self) -> Iterator[list[R]]:
        """The rows of each complete part, in part order."""
        keys = (self._parts[number].key for number in sorted(self._parts))
        for body in ahead(self._store.get, keys, _AHEAD):
            yield decode_rows(self._record, body)

    def finish(
        self, part_count: int, figures: dict[str, float] | None = None, extra: dict[str, Any] | None = None
    ) -> ManifestRef:
        """Write the manifest over parts 0 .. part_count-1. Raises SystemFault when one is missing."""
        missing = sorted(set(range(part_count)) - set(self._parts))
        if missing:
            raise SystemFault(
                f"{self._task.step_id} lacks parts {missing[:5]}", remedy="This is a fault of the step's code."
            )
        manifest = Manifest(
            step_id=self._task.step_id,
            attempt=self._task.attempt,
            record=self._record.__name__,
            fingerprint=self._fingerprint,
            parts=tuple(self._parts[n] for n in range(part_count)),
            figures=figures or {},
            extra=extra or {},
        )
        body = manifest.model_dump_json(indent=1).encode()
        key = f"{self._task.output_prefix}/manifest-a{self._task.attempt}.json"
        self._store.put(key, body)
        return ManifestRef(key=key, sha256=hashlib.sha256(body).hexdigest())

    def _complete_parts(self) -> dict[int, Part]:
        """Parts left by earlier attempts; of two for one number the earliest attempt's. A torn one does not count."""
        matches = [match for key in self._store.list(self._folder) if (match := _PART.search(key))]
        keys = [match.string for match in sorted(matches, key=lambda match: (int(match[1]), int(match[2])))]
        found: dict[int, Part] = {}
        for part in ahead(self._whole, keys, _AHEAD):
            if part and (match := _PART.search(part.key)):
                found.setdefault(int(match[1]), part)
        return found

    def _whole(self, key: str) -> Part | None:
        body = self._store.get(key)
        try:
            return _part_of(key, body)
        except pa.ArrowInvalid:
            return None


def _part_of(key: str, body: bytes) -> Part:
    rows = pq.read_metadata(io.BytesIO(body)).num_rows
    return Part(key=key, rows=rows, sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))


def read_manifest(store: ObjectStore, key: str) -> Manifest:
    return Manifest.model_validate_json(store.get(key))


def read_rows(store: ObjectStore, manifest_keys: Iterable[str], record: type[R]) -> Iterator[R]:
    """All rows of the artefacts (one manifest a shard), streamed part by part.

    Raises SystemFault when a part's bytes differ from what its manifest says.
    """
    for key in manifest_keys:
        for body in ahead(partial(_checked, store), read_manifest(store, key).parts, _AHEAD):
            yield from decode_rows(record, body)


def _checked(store: ObjectStore, part: Part) -> bytes:
    try:
        body = store.get(part.key)
    except NotFound as error:
        raise SystemFault(f"the part {part.key} is gone", remedy="Restore the object store from its backup.") from error
    if hashlib.sha256(body).hexdigest() != part.sha256:
        raise SystemFault(
            f"the part {part.key} differs from its manifest", remedy="Restore it from the store's backup."
        )
    return body


def encode_rows(record: type[R], rows: Sequence[R]) -> bytes:
    """Rows as one Parquet file. The schema comes from the record type, so an empty part has it too."""
    table = pa.Table.from_pylist([row.model_dump() for row in rows], schema=_schema(record))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def decode_rows(record: type[R], body: bytes) -> list[R]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
    return [record.model_validate(row) for row in rows]


def _schema(record: type[Record]) -> Any:
    return pa.schema([(name, _arrow_type(field.annotation)) for name, field in record.model_fields.items()])


def _arrow_type(annotation: Any) -> Any:
    """bool before int, since a bool is an int; whatever is no number is text (str and Literals)."""
    text = str(annotation)
    if "tuple" in text:
        return pa.list_(pa.float64() if "tuple[float" in text else pa.string())
    for name, kind in (("bool", pa.bool_()), ("float", pa.float64()), ("int", pa.int64())):
        if annotation.__name__ == name if isinstance(annotation, type) else f"{name} |" in text or f"| {name}" in text:
            return kind
    return pa.string()
