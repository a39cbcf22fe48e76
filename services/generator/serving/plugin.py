"""What vLLM calls in each of its processes (entry point `selfsynth`, group `vllm.general_plugins`)."""

import multiprocessing
import os

from shared.worker.parent_death import die_with_parent


def join() -> None:
    tie()
    # Here and not above: the tests of the tie have no vLLM.
    from services.generator.serving import cpu_lora

    cpu_lora.choose()


def tie() -> None:
    """Tie vLLM's child processes to their parents: a killed server must not leave an engine that holds the memory."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        die_with_parent()
        if not parent.is_alive():
            os._exit(1)
