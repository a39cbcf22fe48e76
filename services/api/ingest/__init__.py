"""The ingest step: from a folder, an archive or a prefix of the object store to a validated data set. No database."""

from services.api.ingest.leaving import bank_key
from services.api.ingest.step import Rules, ingest

__all__ = ["Rules", "bank_key", "ingest"]
