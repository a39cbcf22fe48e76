"""What lmms-eval's own words say of why it left no results. Pure: its output in, an error out."""

import re

from services.generator.benchmark.results import BenchmarkFailed
from shared.errors import InvalidInput, SelfSynthError, SystemFault

_TAIL_LINES = 12
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_UNKNOWN = re.compile(r"Tasks not found: (.*?)\. Try")
_OFFLINE = re.compile(r"OfflineModeIsEnabled|LocalEntryNotFound|Couldn't (?:reach|find)|offline mode|Offline mode")
_NOT_GENERATED = re.compile(r"NotImplementedError: TODO: Implement|messages is used for generation only")


def explained(said: str, how: str) -> SelfSynthError:
    """`how` it ended, in words."""
    if unknown := _UNKNOWN.search(said):
        return InvalidInput(
            f"lmms-eval knows no task called {unknown[1]}",
            remedy="`python -m lmms_eval tasks list` in its environment lists them; SELFSYNTH_BENCHMARK_FOLDERS of the "
            "generation worker names folders with more.",
            code="benchmark_unknown",
        )
    if _NOT_GENERATED.search(said):
        return InvalidInput(
            "a task of the benchmark needs likelihoods or several turns, and lmms-eval asks an engine for answers only",
            remedy="Name tasks that are scored by the text that the model generates.",
            code="benchmark_not_supported",
        )
    if reasons := [line.strip() for line in said.splitlines() if _OFFLINE.search(line)]:
        return SystemFault(
            f"the data of a benchmark is not on this worker, and it may not load any: {reasons[-1][:400]}",
            remedy="Load it into the worker's cache (HF_HOME) before, or set SELFSYNTH_BENCHMARK_HUB=true.",
            code="benchmark_without_data",
        )
    return BenchmarkFailed(
        f"lmms-eval ended with {how} and left no results; its last lines:\n{tail(said)}",
        remedy="Mend what these lines say, or leave the task out.",
    )


def tail(said: str) -> str:
    """The last lines; of progress bars only what they came to."""
    lines = [line.rpartition("\r")[2][:400] for line in _COLOURS.sub("", said).split("\n")]
    return "\n".join([line for line in lines if line.strip()][-_TAIL_LINES:])
