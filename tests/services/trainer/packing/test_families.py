"""Other families than the tiny LLaVA: tiles of an image, and positions in rows and columns."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from services.trainer.packing.trial import Trial
from tests.families import tiny_llava_next, tiny_qwen2_5_vl, tiny_qwen3_vl
from tests.services.trainer.packing.scene import encoder_of, model_of, pairs_of


@pytest.mark.parametrize("make", [tiny_llava_next, tiny_qwen2_5_vl, tiny_qwen3_vl])
def test_images_of_two_shapes_are_packed_with_the_same_gradients(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "model")
    model, encoder = model_of(tmp_path, path), encoder_of(tmp_path / "noise", path)
    Image.effect_noise((150, 60), 40).save(tmp_path / "noise" / "a.png")
    trial, pairs = Trial(model, encoder, 0, 512, autocast=False), pairs_of(encoder)
    packed = trial.sequences(pairs, wanted=True)
    assert packed.packed, packed.why_not
    in_packs = trial.gradient(packed.collate, [pairs])
    separate = trial.gradient(trial.sequences(pairs, wanted=False).collate, [pairs])
    assert float((in_packs - separate).norm() / separate.norm()) < 1e-5
