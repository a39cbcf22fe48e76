"""Judges the names in an archive, one after the other: where each would land, and whether two would land in one place.

Pure. Memory holds two numbers a name.
"""

import re
import unicodedata
from pathlib import PurePosixPath

from shared.errors import InvalidInput

_MAX_PART_BYTES, _MAX_PATH_BYTES, _MAX_DEPTH = 240, 1000, 32
_DRIVE = re.compile(r"[A-Za-z]:")
# Control characters, lone surrogates (bytes that are no text), and marks that turn the direction of what is read.
_UNPRINTABLE = frozenset({"Cc", "Cs"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Names:
    """The names met so far. Two that differ only in upper and lower case, or in how Unicode writes an accent, are one
    file on some disks: they collide."""

    def __init__(self) -> None:
        self._kinds: dict[int, int] = {}

    def place_of(self, name: str, is_folder: bool) -> PurePosixPath | None:
        """Where the member lands below the folder; None for the folder itself. Raises InvalidInput."""
        path = _safe(name)
        if not path.parts:
            if is_folder:
                return None
            raise _refusal(name, "is no name for a file", "Pack it with plain names.")
        for parent in reversed(path.parents):
            if parent.parts:
                self._claim(name, parent, is_folder=True)
        self._claim(name, path, is_folder)
        return path

    def _claim(self, name: str, path: PurePosixPath, is_folder: bool) -> None:
        """A folder may be named any number of times, in one spelling; a file once."""
        spelling = path.as_posix()
        place = hash(unicodedata.normalize("NFC", unicodedata.normalize("NFC", spelling).casefold()))
        if place not in self._kinds:
            self._kinds[place] = hash((spelling, is_folder))
        elif self._kinds[place] == hash((spelling, not is_folder)):
            raise _refusal(name, "is a file and a folder at once", "Pack it anew from one folder.")
        elif self._kinds[place] != hash((spelling, is_folder)):
            raise _refusal(name, "differs from another only in case or accents", "Rename one of them and pack it anew.")
        elif not is_folder:
            raise _refusal(name, "is there twice", "Pack it anew, each file once.")


def _safe(name: str) -> PurePosixPath:
    """The path that the name means: backslashes are slashes, as the archive's writer may have had them."""
    if any(unicodedata.category(letter) in _UNPRINTABLE or letter in _TURNING for letter in name):
        raise _refusal(name, "has control characters or bytes that are no text", "Rename it; pack with UTF-8 names.")
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or _DRIVE.match(name) or ".." in path.parts:
        raise _refusal(name, "would land outside", "Pack it with relative paths.")
    longest_bytes = max((len(part.encode()) for part in path.parts), default=0)
    is_long = longest_bytes > _MAX_PART_BYTES or len(path.as_posix().encode()) > _MAX_PATH_BYTES
    if is_long or len(path.parts) > _MAX_DEPTH:
        raise _refusal(name, "has too long a name or lies too deep", "Shorten names, or nest folders less.")
    return path


def _refusal(name: str, why: str, remedy: str) -> InvalidInput:
    shown = ascii(name if len(name) <= 120 else f"{name[:80]}...{name[-30:]}")
    return InvalidInput(f"the archive's member {shown} {why}", remedy=remedy)
