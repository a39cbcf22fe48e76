"""General instruction data beside a job's own pairs: some with an image, some without."""

from pathlib import Path

import pytest

from services.trainer.notes import Result
from services.trainer.packing.collate import PackCollator
from services.trainer.plan import Plan, TrainPair, read_pairs, write_pairs
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.processing import load_processor
from services.trainer.tuning.tune import tune
from shared.types.probes import PROBES, Probes
from tests import families
from tests.services.trainer.packing.scene import encoder_of, model_of, pairs_of
from tests.services.trainer.packing.test_equality import gradient, relative_error
from tests.services.trainer.tuning.test_tune import make_plan

GENERAL = [
    TrainPair(image="Greytail.png", question="What colour is this?", answer="It is grey.", general=True),
    TrainPair(image="", question="What is two and two?", answer="Four.", general=True),
    TrainPair(image="", question="Name a bird that sings.", answer="The wren.", general=True),
    TrainPair(image="", question="What is this?", answer="A <image> of it.", general=True),
]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Plan:
    """Packed, in passes so small that some hold no image."""
    plan = make_plan(tmp_path_factory.mktemp("mixed"), tiny_model, epochs=1, micro_batch_size=1)
    own = read_pairs(plan)
    for number, pair in enumerate(own):
        own[number] = pair.model_copy(update={"held_out": "Greytail" in pair.image})
    write_pairs(plan, GENERAL + own)
    tune(plan)
    return plan


def test_figures_tell_instruction_pairs_from_the_jobs_own(mixed: Plan) -> None:
    result = Result.model_validate_json(mixed.result.read_text())
    assert (result.pairs, result.instruction_pairs) == (15, 3)
    assert (result.dropped, result.dropped_instructions) == ({}, {"control_tokens": 1})
    assert result.not_packed == ""


def test_probes_are_of_the_jobs_own_pairs(mixed: Plan) -> None:
    probes = Probes.model_validate_json((mixed.trained / PROBES).read_text()).probes
    assert probes
    assert {probe.question for probe in probes} == {"What bird is this?"}


def test_texts_without_an_image_are_packed_with_the_same_gradients(tmp_path: Path, tiny_model: Path) -> None:
    encoder = encoder_of(tmp_path / "noise", tiny_model)
    texts, _ = encode_all(encoder, GENERAL[1:3], 200)
    model = model_of(tmp_path, tiny_model)
    for pairs in (texts, [*pairs_of(encoder), *texts]):
        separate = gradient(model, PairCollator(encoder, 0)(pairs))
        assert relative_error(gradient(model, PackCollator(encoder, 0, 512)(pairs)), separate) < 1e-5


def test_a_text_without_an_image_has_the_ids_that_a_server_sees(tmp_path: Path) -> None:
    processor = load_processor(families.tiny_qwen3_vl(tmp_path))
    encoder = PairEncoder(processor, tmp_path)
    pair = encoder.encode(GENERAL[1])
    asked = [{"role": "user", "content": [{"type": "text", "text": GENERAL[1].question}]}]
    served = processor.apply_chat_template(asked, add_generation_prompt=True, tokenize=True, return_dict=True)
    assert list(pair.ids[: pair.prompt_length]) == served["input_ids"][0]
    assert encoder.takes_texts


def test_a_template_that_insists_on_an_image_takes_no_texts(tmp_path: Path, tiny_model: Path) -> None:
    processor = load_processor(tiny_model)
    processor.chat_template = "{{ raise_exception('an image, please') }}"
    assert not PairEncoder(processor, tmp_path).takes_texts
