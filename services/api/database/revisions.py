"""Which schemas this release knows, by the names of its migrations. Needs no database and no library of it."""

from pathlib import Path

_VERSIONS = Path(__file__).with_name("migrations") / "versions"


def known_revisions() -> tuple[str, ...]:
    """Oldest first; the last one is what `Database.migrate` leads to."""
    return tuple(sorted(path.stem.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py")))
