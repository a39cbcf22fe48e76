"""Whether an engine is alive, by its progress: requests are open, and no token comes for too long: it is not. One that
was put to sleep is alive.

/health tells only that something listens; engines were seen to answer it for hours while they computed nothing. Reads
/metrics of vLLM and of our own engine alike. As a command (`python -m services.generator.liveness --url URL`) it is a
probe: exit status 0 as soon as the engine is seen alive, 1 with the reason when it is not for the whole deadline.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

DEADLINE_S = 120.0
_ANSWER_S = 10.0
# Both engines of ours count open requests; vLLM's own figures cover one that was started otherwise.
_OPEN = ("selfsynth_engine_open_requests", "vllm:num_requests_running", "vllm:num_requests_waiting")
_DONE = ("selfsynth_engine_forward_passes_total", "vllm:generation_tokens_total", "vllm:prompt_tokens_total")
_ASLEEP = "selfsynth_engine_asleep"
_STATE = "vllm:engine_sleep_state"  # 1 at one of its labels, of which `awake` is one


@dataclass(frozen=True)
class Reading:
    """`open_requests` wait for an answer; `done` grows with all that the engine computes."""

    open_requests: float
    done: float
    is_asleep: bool = False


class Progress:
    """Follows readings of one engine. Pure: `now_s` is any clock that goes on.

    A pause between two readings counts as `longest_gap_s` at most: whoever read may have been stopped meanwhile, and
    the engine with it.
    """

    def __init__(self, now_s: float, deadline_s: float, longest_gap_s: float = 3 * _ANSWER_S) -> None:
        self._deadline_s, self._longest_gap_s = deadline_s, longest_gap_s
        self._at_s = now_s
        self._last: Reading | None = None
        self._still_s = 0.0
        self.is_seen_alive = False

    def see(self, reading: Reading | None, now_s: float) -> None:
        """None: the engine did not tell its figures."""
        gap_s = min(now_s - self._at_s, self._longest_gap_s)
        self._at_s = now_s
        self.is_seen_alive = reading is not None and (
            reading.is_asleep or not reading.open_requests or self._has_moved(reading)
        )
        self._still_s = 0.0 if self.is_seen_alive else self._still_s + gap_s
        self._last = reading or self._last

    @property
    def fault(self) -> str | None:
        """Why the engine is not alive. None: it is, or the deadline is not over."""
        if self._still_s < self._deadline_s:
            return None
        if self._last is None:
            return f"tells no figures at /metrics for {self._still_s:.0f} s"
        count = f"{self._last.open_requests:.0f}"
        return f"computed nothing for {self._still_s:.0f} s while requests were open (when last seen: {count})"

    def _has_moved(self, reading: Reading) -> bool:
        """A restarted engine counts from 0 again."""
        return self._last is not None and reading.done != self._last.done


def read(http: httpx.Client, url: str) -> Reading | None:
    """From `url`/metrics, None where it does not answer with figures of an engine."""
    try:
        answer = http.get(f"{url.rstrip('/')}/metrics")
        return reading_of(answer.text) if answer.is_success else None
    except (httpx.HTTPError, ValueError):
        return None


def reading_of(text: str) -> Reading | None:
    """From the Prometheus text format. Raises ValueError where it is not that."""
    figures: dict[str, float] = {}
    is_asleep = False
    for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
        figures[sample.name] = figures.get(sample.name, 0.0) + sample.value
        is_asleep |= _says_asleep(sample.name, sample.labels, sample.value)
    if not any(name in figures for name in _DONE):
        return None
    return Reading(_sum(figures, _OPEN), _sum(figures, _DONE), is_asleep)


def _says_asleep(name: str, labels: Mapping[str, str], value: float) -> bool:
    if name == _STATE:
        return labels.get("sleep_state") == "awake" and value == 0
    return name == _ASLEEP and value == 1


def _sum(figures: Mapping[str, float], names: tuple[str, ...]) -> float:
    return sum(figures.get(name, 0.0) for name in names)


def watch(url: str, deadline_s: float) -> str | None:
    """Look until the engine is seen alive (None) or the deadline is over (why it is not)."""
    pause_s = min(1.0, deadline_s / 10)
    progress = Progress(time.monotonic(), deadline_s)
    with httpx.Client(timeout=min(_ANSWER_S, deadline_s)) as http:
        while progress.fault is None:
            progress.see(read(http, url), time.monotonic())
            if progress.is_seen_alive:
                return None
            time.sleep(pause_s)
    return progress.fault


def condition(url: str) -> str:
    """In a few words for an error message, when its requests had no answer: whether the process itself answers."""
    with httpx.Client(timeout=_ANSWER_S) as http:
        reading = read(http, url)
    if reading is None:
        return f"{url}/metrics does not answer either: it is not there, or stopped"
    state = "sleeps" if reading.is_asleep else "runs"
    return f"{url}/metrics does answer, with {reading.open_requests:.0f} requests open: it {state}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Exit status 0: the engine is alive, by its progress; 1: it is not.")
    parser.add_argument("--url", required=True, help="the engine's address, without /v1")
    parser.add_argument("--deadline-s", type=float, default=DEADLINE_S, help="how long nothing may come (%(default)s)")
    arguments = parser.parse_args()
    fault = watch(arguments.url, arguments.deadline_s)
    if fault is not None:
        sys.stderr.write(f"the engine at {arguments.url} {fault}\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
