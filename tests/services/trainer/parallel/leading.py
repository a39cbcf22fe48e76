"""`python -m tests.services.trainer.parallel.leading FOLDER MODEL`: what the first machine does, one train step."""

import sys
from pathlib import Path

from tests.services.trainer.step.watched import Watched


def a_run(folder: Path, model: Path) -> Watched:
    return Watched(folder, model, epochs=0.75, learning_rate=1e-3, lora_dropout=0)


if __name__ == "__main__":
    a_run(Path(sys.argv[1]), Path(sys.argv[2])).run()
