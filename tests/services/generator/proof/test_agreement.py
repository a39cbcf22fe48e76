"""The decision alone, from figures."""

import pytest

from services.generator.proof.agreement import TOLERANCE, Said, judge
from shared.types.probes import Place, Probe, Probes, Seen

SEEN = {7: Seen(-0.1, -2.0), 8: Seen(-3.0, -0.2), 9: Seen(-4.0, -5.0)}


def recorded(precision: str = "float32", shrink: float = 1.0) -> Probes:
    """The adapter's figures `shrink` as far from the base's."""
    seen = {token: Seen(base + shrink * (adapter - base), base) for token, (adapter, base) in SEEN.items()}
    probe = Probe(image_key="i.png", question="?", places=(Place(token=7, seen=seen), Place(token=7, seen=seen)))
    return Probes.model_validate({"precision": precision, "probes": [probe]})


def said(probes: Probes, which: str, off: float = 0.0, token: int = 7) -> list[Said]:
    """Every log-probability as recorded, `off` by turns up and down."""
    return [
        Said(token, {k: getattr(value, which) + off * (-1) ** k for k, value in place.seen.items()})
        for place in probes.probes[0].places
    ]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_what_lies_within_the_precision_passes_and_what_lies_outside_does_not(precision: str) -> None:
    probes, base = recorded(precision), said(recorded(), "base")
    within, outside = (said(probes, "adapter", share * TOLERANCE[precision]) for share in (0.9, 1.1))
    assert judge(probes, [within], [base]).fault is None
    assert judge(probes, [outside], [base]).fault == "adapter_disagrees"


def test_answers_of_the_base_are_no_effect() -> None:
    probes = recorded()
    verdict = judge(probes, [said(probes, "base")], [said(probes, "base")])
    assert (verdict.fault, verdict.to_base) == ("adapter_has_no_effect", 0)
    assert verdict.to_adapter == verdict.effect > 1


def test_a_small_effect_that_is_ignored_is_seen_within_what_rounding_allows() -> None:
    probes = recorded("bf16", shrink=0.05)
    verdict = judge(probes, [said(probes, "base", 0.01)], [said(probes, "base", 0.01)])
    assert verdict.to_adapter < verdict.allowed
    assert verdict.fault == "adapter_has_no_effect"
    assert judge(probes, [said(probes, "adapter", 0.01)], [said(probes, "base", 0.01)]).fault is None


def test_an_adapter_that_changed_nothing_may_answer_as_the_base() -> None:
    probes = recorded(shrink=0)
    assert judge(probes, [said(probes, "base", 1e-5)], [said(probes, "base")]).fault is None


def test_an_engine_that_computes_more_coarsely_is_allowed_what_its_base_shows_and_no_more_than_bf16() -> None:
    probes = recorded()
    assert judge(probes, [said(probes, "adapter", 0.05)], [said(probes, "base", 0.03)]).fault is None
    assert judge(probes, [said(probes, "adapter", 0.05)], [said(probes, "base", 0.0)]).fault == "adapter_disagrees"
    assert judge(probes, [said(probes, "adapter", 0.35)], [said(probes, "base", 0.1)]).fault == "adapter_disagrees"


def test_another_base_model_disagrees_however_the_adapter_answers() -> None:
    probes = recorded()
    assert judge(probes, [said(probes, "adapter")], [said(probes, "base", 0.5)]).fault == "adapter_disagrees"


def test_an_answer_that_goes_another_way_is_compared_up_to_there() -> None:
    probes = recorded()
    answer = said(probes, "adapter", token=8)
    assert judge(probes, [answer], [said(probes, "base")]).values == 3


def test_a_token_that_the_engine_holds_unlikely_counts_as_no_likelier_than_those_it_tells_of() -> None:
    probes = recorded()
    verdict = judge(probes, [[Said(1, {1: -0.1, 2: -3.0})]], [said(probes, "base")])
    assert (verdict.fault, verdict.values) == ("adapter_disagrees", 1)
    assert verdict.to_adapter == pytest.approx(2.9)


def test_a_base_that_tells_of_no_known_token_is_another_base_model() -> None:
    probes = recorded()
    assert judge(probes, [said(probes, "adapter")], [[Said(1, {1: -0.1})]]).fault == "adapter_disagrees"
