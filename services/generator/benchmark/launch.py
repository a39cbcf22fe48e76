"""Runs lmms-eval as `python launch.py CONFIG PARENT`, under the Python of its own environment. Standard library only.

Tied to its parent before anything else, so that no killed worker leaves one behind.
"""

import os
import runpy
import sys
from pathlib import Path

_SOURCE_ROOT = Path(__file__).parents[3]


def main() -> None:
    config, parent = sys.argv[1:]
    sys.path[0] = str(_SOURCE_ROOT)
    from shared.worker.parent_death import die_with_parent

    die_with_parent()
    if os.getppid() != int(parent):
        sys.exit(1)
    # What lmms-eval imports is its environment's alone.
    del sys.path[0]
    sys.argv = ["lmms_eval", "--config", config]
    runpy.run_module("lmms_eval", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
