"""Publishes an adapter: the small object by which an engine finds the files of a model name. Derived from rows, never
changed once made."""

import json

from sqlalchemy import select

from services.api.database.connection import Database
from services.api.database.models import Adapter, Job
from shared.errors import Conflict, SystemFault
from shared.objects import ObjectStore


class Pointers:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store

    def publish(self, name: str) -> None:
        """Create `adapters/{name}.json`; nothing happens when it is there, or when no adapter has that name."""
        with self._database.snapshot() as session:
            row = session.scalars(select(Adapter).where(Adapter.name == name)).one_or_none()
            base = session.get_one(Job, row.job_id).model if row else ""
        if row is None:
            return
        fields = {"name": row.name, "prefix": row.prefix, "sha256": row.sha256, "base_model": base}
        self._create(f"adapters/{name}.json", json.dumps(fields, indent=1).encode())

    def _create(self, key: str, body: bytes) -> None:
        try:
            self._store.create(key, body)
        except Conflict:
            if self._store.get(key) != body:
                raise SystemFault(
                    f"the object {key} belongs to another adapter",
                    remedy="Was the database restored from a backup older than the store? Then remove that object and "
                    "restart the engines: the round was trained again. Otherwise two coordinators share one object "
                    "store: give each its own prefix in SELFSYNTH_STORE_URL.",
                ) from None
