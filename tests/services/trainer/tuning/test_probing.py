"""What the trainer writes down of its adapter, against peft and transformers asked anew."""

from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.trainer.plan import Plan, read_pairs
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.tune import tune
from shared.types.probes import PROBES, Probe, Probes
from tests.services.trainer.tuning.test_tune import make_plan


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Any) -> tuple[Plan, Probes]:
    plan = make_plan(tmp_path_factory.mktemp("probed"), tiny_model, epochs=8)
    tune(plan)
    return plan, Probes.model_validate_json((plan.trained / PROBES).read_text())


def anew(plan: Plan, model: Any, probe: Probe) -> list[list[float]]:
    """The log-probabilities at the probe's places, [places, tokens seen]."""
    encoder = PairEncoder(AutoProcessor.from_pretrained(plan.model_path), plan.images)
    pair = next(pair for pair in read_pairs(plan) if pair.image_key == probe.image_key)
    tokens = encoder.encode(pair)
    prompt = tokens.ids[: tokens.prompt_length]
    ids = (*prompt, *(place.token for place in probe.places))
    with torch.no_grad():
        logits = model.eval()(**PairCollator(encoder, 0)([TokenPair(pair.image, ids, len(prompt))])).logits[0]
    rows = logits.log_softmax(-1)[len(prompt) - 1 :]
    return [[float(row[token]) for token in place.seen] for row, place in zip(rows, probe.places, strict=False)]


def test_the_saved_adapter_and_the_base_say_what_was_written_down(trained: tuple[Plan, Probes]) -> None:
    plan, probes = trained
    base: Any = AutoModelForImageTextToText.from_pretrained(plan.model_path)
    by_base = [anew(plan, base, probe) for probe in probes.probes]
    adapted = PeftModel.from_pretrained(base, plan.trained)
    for probe, expected_base in zip(probes.probes, by_base, strict=True):
        seen = [list(place.seen.values()) for place in probe.places]
        for place, by_adapter, of_base in zip(seen, anew(plan, adapted, probe), expected_base, strict=True):
            assert [value.adapter for value in place] == pytest.approx(by_adapter, abs=1e-4)
            assert [value.base for value in place] == pytest.approx(of_base, abs=1e-4)


def test_probes_are_of_several_images_and_greedy(trained: tuple[Plan, Probes]) -> None:
    probes = trained[1]
    assert probes.precision == "float32"
    assert len({probe.image_key for probe in probes.probes}) == 4
    for place in (place for probe in probes.probes for place in probe.places):
        assert place.token == max(place.seen, key=lambda token: place.seen[token].adapter)


def test_what_training_changed_is_seen(trained: tuple[Plan, Probes]) -> None:
    places = [place for probe in trained[1].probes for place in probe.places]
    assert max(abs(seen.adapter - seen.base) for place in places for seen in place.seen.values()) > 0.5
