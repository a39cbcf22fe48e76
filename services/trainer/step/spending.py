"""What a step's attempts took of the machine, kept beside its checkpoints. Knows the object store, no process."""

import contextlib

from services.trainer.notes import Pace
from shared.errors import SystemFault
from shared.objects import ObjectStore


class Spending:
    """Of one launch of the training subprocess. `pace` is its latest."""

    def __init__(self, store: ObjectStore, folder: str, launch: str) -> None:
        self._store = store
        self._key = f"{_prefix(folder)}/{launch}.json"
        self.pace: Pace | None = None

    def save(self) -> None:
        """One try: a figure is not worth an attempt."""
        if self.pace:
            with contextlib.suppress(SystemFault):
                self._store.put(self._key, self.pace.model_dump_json().encode())


def spent(store: ObjectStore, folder: str) -> dict[str, float]:
    """`gpu_seconds` and `cpu_seconds` of all launches below `folder`. What a killed one did after its last checkpoint
    is not in it."""
    paces = [Pace.model_validate_json(store.get(key)) for key in store.list(_prefix(folder))]
    return {
        "gpu_seconds": round(sum(pace.gpu_seconds for pace in paces), 3),
        "cpu_seconds": round(sum(pace.cpu_seconds for pace in paces), 3),
    }


def _prefix(folder: str) -> str:
    return f"{folder}/spent"
