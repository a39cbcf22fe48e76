"""Temporary folders that never stay behind for long."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.api.ingest.scratch import scratch_folder
from shared.errors import DiskFull

_HOLD = """
import sys, time
from pathlib import Path
from services.api.ingest.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "image.png").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def held(base: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that holds a folder, and the folder."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(base)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("error", [None, ValueError])
def test_the_folder_is_gone_however_its_block_ends(tmp_path: Path, error: type[Exception] | None) -> None:
    try:
        with scratch_folder(tmp_path) as folder:
            (folder / "inside").mkdir()
            if error:
                raise error
    except ValueError:
        pass
    assert not folder.exists()


def test_a_killed_process_leaves_its_folder_to_be_swept_by_the_next_and_a_living_one_keeps_it(tmp_path: Path) -> None:
    process, abandoned = held(tmp_path)
    with scratch_folder(tmp_path):
        assert (abandoned / "image.png").exists()
    process.kill()
    process.wait()
    with scratch_folder(tmp_path) as own:
        assert [path for path in own.parent.iterdir() if path.is_dir()] == [own]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_what_mends_it(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull, match=str(tmp_path)) as caught, scratch_folder(tmp_path):
        raise OSError(number, os.strerror(number))
    assert "TMPDIR" in caught.value.remedy


def test_other_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), scratch_folder(tmp_path):
        raise PermissionError
