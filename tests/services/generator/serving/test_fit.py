"""An adapter against the layers that are served."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from services.generator.adapters import CONFIG, WEIGHTS
from services.generator.serving.fit import Places
from shared.errors import InvalidInput

LAYER = "model.language_model.layers.0.self_attn.q_proj"
PLACES = Places({LAYER: (6, 4)}, max_rank=8)


def adapter(folder: Path, rank: int = 2, config: dict[str, Any] | None = None, **shapes: tuple[int, ...]) -> Path:
    """A right one, but for what is named: `A`, `B` and the shapes of further keys."""
    wanted = {"A": (rank, 4), "B": (6, rank), **shapes}
    named = {(f"base_model.model.{LAYER}.lora_{k}.weight" if len(k) == 1 else k): v for k, v in wanted.items() if v}
    save_file({key: np.zeros(shape, np.float32) for key, shape in named.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps({"peft_type": "LORA", "r": rank, "bias": "none", **(config or {})}))
    return folder


def test_one_that_fits_passes(tmp_path: Path) -> None:
    PLACES.check(adapter(tmp_path), "j-r1")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"rank": 9}, "rank is 9, at most 8"),
        ({"config": {"rank_pattern": {"q_proj": 16}}}, "rank is 16"),
        ({"config": {"r": 2}, "A": (16, 4), "B": (6, 16)}, "has rank 16"),
        ({"config": {"use_dora": True}}, "use_dora"),
        ({"config": {"modules_to_save": ["multi_modal_projector"]}}, "modules_to_save"),
        ({"config": {"bias": "all"}}, "no plain LoRA"),
        ({"config": {"peft_type": "IA3"}}, "no plain LoRA"),
        ({"A": (2, 5)}, "2x5, the layer 6x4"),
        ({"B": (7, 2)}, "7x2, the layer 6x4"),
        ({"B": ()}, "lacks its other half"),
        ({"A": (), "B": ()}, "no weights"),
        ({"base_model.model.model.vision_tower.layers.0.q_proj.lora_A.weight": (2, 4)}, "no layer is served for"),
        ({"something": (1,)}, "no layer is served for something"),
    ],
)
def test_what_has_no_place_is_refused_by_name(made: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        PLACES.check(adapter(tmp_path, **made), "j-r1")
    assert "'j-r1'" in refused.value.message


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_torn_file_is_refused(name: str, tmp_path: Path) -> None:
    (adapter(tmp_path) / name).write_bytes(b'{"r": ')
    with pytest.raises(InvalidInput, match=r"no JSON|cannot be read"):
        PLACES.check(tmp_path, "j-r1")
