"""The ingest step: from a folder, an archive or a prefix of the object store to a validated data set. No database.

Imports nothing, so that processes that look at images load no more than they need.
"""
