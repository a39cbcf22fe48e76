"""Estimates of what a job takes, and the page that shows them."""

import subprocess
import sys
from dataclasses import replace

import pytest

from shared.job_settings import JobSettings, resolve
from shared.types.lifecycle import QueueName, StepName
from tools.capacity.estimate import estimate
from tools.capacity.rates import ASSUMED, Rates, rows_of
from tools.capacity.steps import Scale, Work, tokens_a_pair
from tools.capacity_tables import PAGE, page

SCALE = Scale(images=1000, classes=10, train_share=0.5)
# Round numbers, so that the sums can be checked by hand.
RATES = Rates(
    decode_tokens_per_s=1000,
    prefill_tokens_per_s=10_000,
    step_share_of_offline=1,
    describe_tokens=100,
    text_tokens=50,
    image_tokens=500,
)


def _work(step: StepName, scale: Scale = SCALE, rates: Rates = RATES, settings: JobSettings | None = None) -> Work:
    return next(work for work in estimate(scale, settings or JobSettings(), rates).works if work.step == step)


def test_the_documented_tables_are_those_of_the_formulas() -> None:
    assert page(PAGE.read_text()) == PAGE.read_text(), "run: python -m tools.capacity_tables"


def test_describing_takes_the_tokens_of_all_samples_and_reads_each_image_once() -> None:
    describe = _work(StepName.DESCRIBE)
    assert describe.written_tokens == 500 * 3 * 10 * 100
    assert describe.read_tokens == 500 * (500 + 3 * 50)
    assert describe.gpu_s == pytest.approx(1_500_000 / 1000 + 325_000 / 10_000)
    assert describe.rows == 15_000
    assert describe.parts == 16  # 500 images, 32 a part


def test_twice_the_engines_halve_generation_and_nothing_else() -> None:
    one, two = (estimate(replace(SCALE, engines=count), JobSettings(), RATES) for count in (1, 2))
    assert two.seconds_of(QueueName.GENERATION) == pytest.approx(one.seconds_of(QueueName.GENERATION) / 2)
    assert two.seconds_of(QueueName.TRAINING) == one.seconds_of(QueueName.TRAINING)
    assert two.gpu_s_of(QueueName.GENERATION) == pytest.approx(one.gpu_s_of(QueueName.GENERATION))


def test_packing_at_the_bench_s_shape_gives_the_measured_speed_up() -> None:
    rates = Rates(text_tokens=50, answer_tokens=50)
    plain, packed = (tokens_a_pair(8, resolve("default", {"train": {"packing": p}}), rates) for p in ("off", "auto"))
    assert plain / packed == pytest.approx(rates.packed_speedup)


def test_gpus_beyond_the_batch_s_pairs_train_no_faster() -> None:
    seconds = [_work(StepName.TRAIN, replace(SCALE, trainers=count)).seconds for count in (1, 32, 64)]
    assert seconds[0] > seconds[1] == seconds[2]


def test_selection_is_linear_in_texts_times_concepts() -> None:
    rates = replace(RATES, encoded_texts_per_s=1e12)

    def relative(settings: JobSettings) -> list[float]:
        seconds = [
            _work(StepName.SELECT_CONCEPTS, replace(SCALE, images=images, classes=classes), rates, settings).seconds
            for images, classes in ((1000, 10), (2000, 10), (2000, 20))
        ]
        return [each / seconds[0] for each in seconds]

    assert relative(resolve("paper", {})) == pytest.approx([1, 2, 4], rel=1e-4)
    assert relative(resolve("default", {"select_concepts": {"doubt_share": 0.5}})) == pytest.approx([1, 2, 4], rel=1e-4)
    assert relative(JobSettings()) == pytest.approx([1, 2, 2], rel=1e-4), "clauses meet their own class's concepts only"


def test_every_rate_says_whether_it_was_measured_or_assumed() -> None:
    text = PAGE.read_text()
    for name, _, meaning, source in rows_of(Rates()):
        assert meaning
        assert source
        if source == ASSUMED:
            [line] = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
            assert line.endswith("**assumed** |")


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tools.capacity", "--images", "1000", "--classes", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_user_s_own_rates_and_settings_change_the_answer() -> None:
    plain = _run("--setting", "questions=generic").stdout
    assert "| `describe` | 1 |" in plain
    assert _run("--rate", "decode_tokens_per_s=1", "--setting", "describe.samples=1").stdout != plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "speed=1"), "no rate speed; there are: "),
        (("--rate", "mfu"), "'mfu' is not NAME=VALUE"),
        (("--setting", "describe.samples=0"), "settings.describe.samples"),
        (("--setting", "describe.samples=many"), "settings.describe.samples"),
        (("--setting", "train"), "'train' is not of the form"),
        (("--setting", "describe.sample=1"), "settings.describe.sample"),
    ],
)
def test_what_is_no_rate_or_setting_is_told(arguments: tuple[str, ...], words: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
