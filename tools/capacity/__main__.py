"""`python -m tools.capacity --images 50000 --classes 300 --engines 4 ...`: what a job of your own takes.

Any rate can be changed with `--rate NAME=VALUE`, any job setting with `--setting describe.samples=5`.
"""

import argparse
import sys

from selfsynth.cli.settings_text import parse_settings
from shared.errors import InvalidInput
from shared.job_settings import resolve
from tools.capacity.estimate import estimate
from tools.capacity.page import job_table, rates_table
from tools.capacity.rates import Rates
from tools.capacity.steps import Scale


def main() -> None:
    """Prints Markdown. Ends with a message and 1 for what is no rate or setting."""
    given = _parser().parse_args()
    scale = Scale(
        images=given.images,
        classes=given.classes,
        concepts=given.concepts,
        rounds=given.rounds,
        train_share=given.train_share,
        engines=given.engines,
        trainers=given.trainers,
        selectors=given.selectors,
        data_processes=given.data_processes,
        shards=given.shards,
    )
    try:
        rates = Rates().with_changes({name: float(value) for name, value in map(_split, given.rate)})
        settings = resolve(given.method, parse_settings(given.setting))
    except (KeyError, ValueError) as error:
        sys.exit(f"error: {error.args[0]}")
    except InvalidInput as error:
        sys.exit(f"error: {error.message}\n       {error.remedy}")
    sys.stdout.write(job_table(estimate(scale, settings, rates)))
    if given.rates:
        sys.stdout.write("\n" + rates_table(rates))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.capacity", description=__doc__)
    parser.add_argument("--images", type=_positive, required=True, help="of all splits together")
    parser.add_argument("--classes", type=_positive, required=True)
    for name, default, meaning in (
        ("concepts", 40, "of each class"),
        ("rounds", 4, ""),
        ("engines", 1, "GPUs that generate"),
        ("trainers", 1, "GPUs that train"),
        ("selectors", 1, "GPUs that select"),
        ("data-processes", 16, "that look at images and store them"),
        ("shards", 1, "parts that a step is cut into, for several workers"),
    ):
        parser.add_argument(f"--{name}", type=_positive, default=default, help=f"{meaning} (default: {default})")
    parser.add_argument("--train-share", type=_share, default=0.7, help="of the images (default: 0.7)")
    parser.add_argument("--method", default="default", help="default, or paper")
    parser.add_argument("--rate", action="append", default=[], metavar="NAME=VALUE", help="see --rates")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="of the job, as in docs/method.md"
    )
    parser.add_argument("--rates", action="store_true", help="print all rates and where they come from, too")
    return parser


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError
    return value


def _share(text: str) -> float:
    if not 0 < (value := float(text)) < 1:
        raise ValueError
    return value


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    main()
