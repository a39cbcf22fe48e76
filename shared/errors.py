"""The error tree. Every error names the thing, says why, and how to mend it. Knows nothing of HTTP or queues.

SelfSynthError
├── UserFault            the request, the data or the settings must change
│   ├── InvalidInput
│   ├── NotFound
│   │   └── ObjectMissing   found out by the store: whoever asked, what is gone is the system's fault
│   ├── Conflict
│   └── TooFewPairs
├── SystemFault          the platform must be mended; the same request may then succeed
│   ├── StoreUnavailable
│   ├── StoreFull
│   ├── DiskFull
│   ├── EngineUnavailable
│   ├── RequestsFailed
│   ├── QueueUnavailable
│   └── DeviceOutOfMemory
└── StepStopped          control flow: this attempt must end now (stale, cancelled, or its lease was lost)
StepInterrupted          control flow: the worker is being shut down; what is written stays, another one goes on
└── LaterRelease         the step was sent by a later release, so that a worker of that release must do it
"""

import errno
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Fault = Literal["user", "system"]


class ErrorReport(BaseModel):
    """An error as it travels over HTTP and rests in the database."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    remedy: str
    fault: Fault


class SelfSynthError(Exception):
    """Base of all errors of ours: a stable `code`, a message that names the thing and why, and a remedy."""

    code = "internal"
    fault: Fault = "system"

    def __init__(self, message: str, *, remedy: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code or type(self).code

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders; the remedy would be lost on the usual way."""
        return _restored, (type(self), self.message, self.remedy, self.code)

    def report(self) -> ErrorReport:
        return ErrorReport(code=self.code, message=self.message, remedy=self.remedy, fault=self.fault)


def _restored(kind: type[SelfSynthError], message: str, remedy: str, code: str) -> SelfSynthError:
    return kind(message, remedy=remedy, code=code)


class UserFault(SelfSynthError):
    code = "invalid_input"
    fault: Fault = "user"


class InvalidInput(UserFault):
    code = "invalid_input"


class NotFound(UserFault):
    code = "not_found"


class ObjectMissing(NotFound):
    code = "object_missing"
    fault: Fault = "system"


class Conflict(UserFault):
    code = "conflict"


class TooFewPairs(UserFault):
    code = "too_few_pairs"


class SystemFault(SelfSynthError):
    code = "internal"
    fault: Fault = "system"


class StoreUnavailable(SystemFault):
    code = "store_unavailable"


class StoreFull(SystemFault):
    code = "store_full"


class DiskFull(SystemFault):
    code = "disk_full"


class EngineUnavailable(SystemFault):
    code = "engine_unavailable"


class RequestsFailed(SystemFault):
    """The engine answers, but not these requests."""

    code = "requests_failed"


class QueueUnavailable(SystemFault):
    code = "queue_unavailable"


class DeviceOutOfMemory(SystemFault):
    code = "device_out_of_memory"


class StepStopped(Exception):
    """This attempt must end now: it is stale, its job is being cancelled, or its lease could not be renewed."""


class StepInterrupted(Exception):
    """The worker is being shut down: what is written stays, another worker goes on."""


class LaterRelease(StepInterrupted):
    """The step was sent by a later release, while the system is upgraded: a worker of that release must do it."""


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the system refused a write for want of room (disk or quota)."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def report_of(error: BaseException) -> ErrorReport:
    """The report of any error. An error that is not ours is an internal one, with its type named."""
    if isinstance(error, SelfSynthError):
        return error.report()
    return ErrorReport(
        code="internal",
        message=f"{type(error).__name__}: {error}",
        remedy="This is a fault of the system. The worker's log holds the traceback of this attempt.",
        fault="system",
    )
