"""The API's addresses about exports as Python calls."""

import hashlib
from pathlib import Path
from typing import Any

from selfsynth.api_errors import damaged
from selfsynth.calls import Calls, Json
from shared.errors import InvalidInput

_PARTIAL = ".partial"
_SHOWN = 5


class ExportCalls(Calls):
    """Part of the Client. Every method raises ApiError."""

    def export(self, job_id: str, round_: int | None = None, form: str = "adapter", **fields: Any) -> Json:
        """The job that exports a round: the best on the validation split by default. `form` is "adapter" or "merged";
        further fields are `dtype` (of merged weights: "base" or "float32") and `license`. Follow it with `wait`."""
        body = {"round": round_, "form": form, **fields}
        return self._json("POST", f"/jobs/{job_id}/export", json=body)

    def exports(self, job_id: str) -> list[Json]:
        """Newest first."""
        found: Any = self._json("GET", f"/jobs/{job_id}/exports")
        return list(found)

    def download_export(self, export_id: str, path: Path) -> list[Path]:
        """Put the files of an export that is done into the folder `path`; those that are there already are left. A file
        appears when it is whole. Raises InvalidInput where files of something else are in the folder."""
        path.mkdir(parents=True, exist_ok=True)
        listing: Any = self._json("GET", f"/jobs/{export_id}/files")
        # By the last part of its name alone: the API has no say in where files go.
        targets = {Path(entry["name"]).name: entry for entry in listing}
        if foreign := sorted({file.name.removesuffix(_PARTIAL) for file in path.iterdir()} - targets.keys()):
            raise InvalidInput(
                f"{path} holds what is not of {export_id}: {', '.join(foreign[:_SHOWN])}",
                remedy="Ask again with a new or an empty folder; the export is kept.",
            )
        return [self._download(entry, path / name) for name, entry in targets.items()]

    def _download(self, entry: Json, target: Path) -> Path:
        if target.exists() and _sha256(target) == entry["sha256"]:
            return target
        partial = target.with_name(f"{target.name}{_PARTIAL}")
        self._to_file(entry["href"], partial)
        if _sha256(partial) != entry["sha256"]:
            partial.unlink()
            raise damaged(entry["name"])
        return partial.replace(target)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
