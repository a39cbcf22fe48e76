"""Images a second and peak memory of the ingest step, against a plain Pillow loop (open, convert to RGB, save) over the
same generated images, side by side in one run; then peak memory at ten times as many images.

`--images N` photo-sized images for the speeds, `--many M` thumbnails for the memory (default ten times as many as the
small run; 100000 for the size that the step is made for).
"""

import argparse
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image

from services.api.ingest.step import Rules, ingest
from shared.artefacts import read_manifest
from shared.objects import open_store
from shared.types.lifecycle import StepName
from shared.types.tasks import StepTask
from shared.worker.context import StepContext

PHOTO_PX, THUMBNAIL_PX = (500, 375), (64, 48)
CLASSES = 20
_MIB = 1 << 20


def main() -> None:
    options = _options()
    if options.step:
        print(json.dumps(_step(options.step)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        figures = _measure(Path(folder), options.images, options.many)
    print(json.dumps(figures, indent=1))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "ingest.json").write_text(json.dumps(figures, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--step", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(folder: Path, images: int, many: int) -> dict[str, object]:
    photos = _draw(folder / "photos", images, PHOTO_PX)
    # Plain before and after: the machine may be busier at one time than at another.
    before = _plain(photos, folder / "plain")
    ours = _in_own_process(photos)
    plain_s = (before + _plain(photos, folder / "plain")) / 2
    few = _in_own_process(_draw(folder / "few", many // 10, THUMBNAIL_PX))
    lots = _in_own_process(_draw(folder / "many", many, THUMBNAIL_PX))
    return {
        "images": images,
        "image_px": PHOTO_PX,
        "processes": os.cpu_count(),
        "images_per_s": round(images / ours["seconds"], 1),
        "plain_images_per_s": round(images / plain_s, 1),
        "ratio": round(plain_s / ours["seconds"], 2),
        "peak_rss_mb": ours["peak_rss_mb"],
        "memory": [_memory(many // 10, few), _memory(many, lots)],
    }


def _memory(images: int, figures: dict[str, float]) -> dict[str, float]:
    rate = round(images / figures["seconds"], 1)
    return {"images": images, "image_px": THUMBNAIL_PX[0], "images_per_s": rate, **figures}


def _draw(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Class folders of JPEGs, each of its own colours, with some detail."""
    chance = random.Random(0)
    for k in range(CLASSES):
        (folder / f"class {k}").mkdir(parents=True)
    for number in range(count):
        small = Image.frombytes("RGB", (24, 18), chance.randbytes(24 * 18 * 3))
        picture = small.resize(size, Image.Resampling.BICUBIC)
        picture.save(folder / f"class {number % CLASSES}" / f"{number}.jpg", quality=90)
    return folder


def _plain(photos: Path, target: Path) -> float:
    target.mkdir(exist_ok=True)
    began = time.perf_counter()
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))):
        with Image.open(path) as image:
            image.convert("RGB").save(target / f"{number}.jpg", quality=90)
    return time.perf_counter() - began


def _in_own_process(folder: Path) -> dict[str, float]:
    """Peak memory is a process's, so each run has one of its own. `peak_rss_mb` is of that process and its workers
    together, looked at ten times a second."""
    with psutil.Popen([sys.executable, __file__, "--step", str(folder)], stdout=subprocess.PIPE) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _rss_bytes(process))
            time.sleep(0.1)
        figures: dict[str, float] = json.loads(process.stdout.read())
    return {**figures, "peak_rss_mb": round(peak / _MIB)}


def _rss_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    return 0


def _step(folder: Path) -> dict[str, float]:
    """`own_rss_mb` is the peak of the step's process alone."""
    processes = os.cpu_count() or 1
    store = open_store(f"file://{folder.with_name(folder.name + '-store')}")
    task = StepTask(
        step_id="bench-0-ingest-0",
        job_id="bench",
        round=0,
        step=StepName.INGEST,
        attempt=1,
        output_prefix="datasets/bench",
        base_model="",
        teacher="",
        seed=0,
        params={"source": {"path": str(folder)}},
    )
    began = time.perf_counter()
    ref = ingest(StepContext(task, store), Rules((folder,), 1 << 30, processes))
    seconds = time.perf_counter() - began
    assert read_manifest(store, ref.key).rows == len(list(folder.rglob("*.jpg")))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB
    return {"seconds": round(seconds, 2), "own_rss_mb": round(own)}


if __name__ == "__main__":
    main()
