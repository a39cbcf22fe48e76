"""Backs up an embedded stack, running or not, and restores it into a new folder. Knows files, PostgreSQL's own programs
and the object store, nothing of what a job is."""

from selfsynth.backup.making import back_up
from selfsynth.backup.note import BackupNote
from selfsynth.backup.restoring import restore

__all__ = ["BackupNote", "back_up", "restore"]
