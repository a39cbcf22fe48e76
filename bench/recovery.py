"""How long a job stands still after its worker was killed, with the default settings: from SIGKILL to the next start.

Kills the generation worker in `describe`, several times, and reads the coordinator's own events.
"""

import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from selfsynth.client import Client
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack.stack import Stack, StackOptions

KILLS = 3
SETTINGS = {
    "noun": "bird",
    "questions": "generic",
    "examples_per_part": 2,
    "describe": {"instructions": 3, "samples": 10, "max_tokens": 200},
    "evaluate": {"max_tokens": 4},
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        seconds = _measure(Path(folder))
    figures = {
        "kills": KILLS,
        "lease_s": StackOptions().lease_s,
        "lease_margin_s": StackOptions().lease_margin_s,
        "recovery_s_median": round(statistics.median(seconds), 1),
        "recovery_s_max": round(max(seconds), 1),
    }
    print(json.dumps(figures, indent=1))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "recovery.json").write_text(json.dumps(figures, indent=1) + "\n")


def _measure(folder: Path) -> list[float]:
    world = folder / "world"
    write_dataset(world, 0, {"train": 40, "validation": 1, "test": 1})
    slow = {"generator": {"SELFSYNTH_IN_FLIGHT": "2"}}
    options = StackOptions(import_roots=(world,))
    with Stack(folder / "stack", options, env=slow) as stack, Client(stack.url, stack.api_key) as client:
        dataset = client.wait_dataset(client.add_dataset(world, "birds")["id"])
        job = client.start_job(dataset=dataset["id"], model=options.model_name, rounds=1, settings=SETTINGS)
        seconds = [_kill_once(stack, client, job["id"], number) for number in range(1, KILLS + 1)]
        client.cancel(job["id"])
        return seconds


def _kill_once(stack: Stack, client: Client, job: str, attempt: int) -> float:
    _start_of(client, job, attempt)
    time.sleep(2)
    killed = datetime.now(UTC)
    stack.process("generator").kill()
    return (_start_of(client, job, attempt + 1) - killed).total_seconds()


def _start_of(client: Client, job: str, attempt: int) -> datetime:
    while True:
        for event in client.events(job):
            if (event["kind"], event["step"], event["attempt"]) == ("step.started", "describe", attempt):
                return datetime.fromisoformat(event["at"])
        time.sleep(0.2)


if __name__ == "__main__":
    main()
