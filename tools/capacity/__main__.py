"""`python -m tools.capacity --images 50000 --classes 300 --engines 4 ...`: what a job of your own takes.

Any rate can be changed with `--rate NAME=VALUE`, any job setting with `--setting describe.samples=5`.
"""

import argparse
import json
import sys

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
        settings = resolve(given.method, _nested(given.setting))
    except (KeyError, ValueError) as error:
        sys.exit(f"error: {error.args[0]}")
    except InvalidInput as error:
        sys.exit(f"error: {error.message}\n       {error.remedy}")
    sys.stdout.write(job_table(estimate(scale, settings, rates)))
    if given.rates:
        sys.stdout.write("\n" + rates_table(rates))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.capacity", description=__doc__)
    for name in ("images", "classes"):
        parser.add_argument(f"--{name}", type=_positive, required=True)
    for name, default in (
        ("concepts", 40),
        ("rounds", 4),
        ("engines", 1),
        ("trainers", 1),
        ("selectors", 1),
        ("data-processes", 16),
        ("shards", 1),
    ):
        parser.add_argument(f"--{name}", type=_positive, default=default)
    parser.add_argument("--train-share", type=_share, default=0.7)
    parser.add_argument("--method", default="default")
    parser.add_argument("--rate", action="append", default=[], metavar="NAME=VALUE", help="see --rates")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE")
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


def _nested(settings: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in map(_split, settings):
        *path, last = name.split(".")
        place = found
        for each in path:
            place = place.setdefault(each, {})  # type: ignore[assignment]
        place[last] = json.loads(value)
    return found


if __name__ == "__main__":
    main()
