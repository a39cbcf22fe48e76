import pytest

from services.generator.judging.question import RESPONSE_FORMAT, Verdict, messages, verdict_of
from shared.endpoints.wire import Answer


@pytest.mark.parametrize(
    "text",
    [
        '{"explains": true, "cognition": 0.5, "reason": "so"}',
        'Here:\n```json\n{"explains": true, "cognition": 0.5, "reason": "so", "more": [1]}\n```',
        '{"thought": 1} {"explains": true, "cognition": 0.5, "reason": "so"}',
    ],
)
def test_a_verdict_is_found_whatever_stands_around_it(text: str) -> None:
    assert verdict_of(Answer(text=text)) == Verdict(explains=True, cognition=0.5, reason="so")


@pytest.mark.parametrize(
    "text", ["", "yes", "{}", '{"explains": true}', '{"explains": true, "cognition": -0.1}',
             '{"explains": true, "cognition": NaN}', '[{"explains": true, "cognition": 1}', "{" * 9000],
)  # fmt: skip
def test_half_a_verdict_is_none(text: str) -> None:
    assert verdict_of(Answer(text=text)) is None or "[{" in text


def test_the_judge_is_told_neither_the_right_class_nor_to_agree() -> None:
    asked = messages("What is it?", "A wren, by its crown.", "bird", "kind")
    assert "A wren, by its crown." in asked[1]["content"]
    assert "which kind of bird it shows" in asked[1]["content"]
    assert set(RESPONSE_FORMAT["json_schema"]["schema"]["required"]) == set(Verdict.model_fields)
