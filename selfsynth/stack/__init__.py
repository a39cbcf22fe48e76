"""The embedded stack: real PostgreSQL, Valkey and every service as child processes of one, without Docker or root."""

from selfsynth.stack.postgres import running_postgres
from selfsynth.stack.programs import EngineKind
from selfsynth.stack.record import StackRecord, find_running
from selfsynth.stack.stack import SERVICES, Stack, StackOptions
from selfsynth.stack.valkey import running_valkey

__all__ = [
    "SERVICES",
    "EngineKind",
    "Stack",
    "StackOptions",
    "StackRecord",
    "find_running",
    "running_postgres",
    "running_valkey",
]
