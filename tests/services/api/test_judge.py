"""A judge of explanations, when a job is posted."""

from typing import Any

import pytest

from services.api.preflight import check_judge
from shared.endpoints.addresses import EndpointNotAllowed
from shared.endpoints.settings import EndpointSettings
from shared.errors import InvalidInput
from shared.job_settings import JobSettings, resolve

ALLOWED = EndpointSettings(
    store_url="file:///nowhere",
    concept_endpoints={"mine": {"base_url": "https://judge.example/v1", "key_env": "NO_KEY_IS_READ_HERE"}},
    concept_open_urls=("http://10.0.0.1:8000/v1",),
)


def wanting(**judge: Any) -> JobSettings:
    return resolve("default", {"evaluate": {"judge": {"model": "m", **judge}}})


@pytest.mark.parametrize("judge", [{"secret": "mine"}, {"base_url": "http://10.0.0.1:8000/v1/"}])
def test_a_judge_that_the_operator_knows_may_be_asked(judge: dict[str, str]) -> None:
    check_judge(wanting(**judge), ALLOWED)
    check_judge(JobSettings(), ALLOWED)


@pytest.mark.parametrize(
    "judge",
    [
        {"secret": "another"},
        {"base_url": "http://169.254.169.254/v1"},
        {"secret": "mine", "base_url": "http://10.0.0.1:8000/v1"},
        {"base_url": "file:///etc/passwd"},
    ],
)
def test_any_other_is_refused_when_the_job_is_posted(judge: dict[str, str]) -> None:
    with pytest.raises(EndpointNotAllowed):
        check_judge(wanting(**judge), ALLOWED)


def test_a_judge_without_an_address_or_with_a_key_in_the_settings_is_invalid() -> None:
    with pytest.raises(InvalidInput, match=r"judge: .*name a base_url"):
        wanting()
    with pytest.raises(InvalidInput, match=r"evaluate\.judge\.key"):
        wanting(secret="mine", key="sk-in-the-open")
