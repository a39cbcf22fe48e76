"""A merged model that is not base + adapter is never offered."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.trainer.export.compare import compare, demand_same
from services.trainer.export.merge import write_merged
from services.trainer.export.plan import Comparison, MergePlan
from shared.errors import UserFault
from shared.types.probes import PROBES
from tests.services.trainer.export.scene import image, probes, random_adapter


@pytest.fixture
def plan(tmp_path: Path, tiny_model: Path) -> MergePlan:
    """A merged model that is as it should be."""
    adapter, images = random_adapter(tiny_model, tmp_path / "adapter"), tmp_path / "images"
    (adapter / PROBES).write_text(probes().model_dump_json())
    images.mkdir()
    (images / "red.png").write_bytes(image())
    made = MergePlan(folder=tmp_path, model_path=tiny_model, adapter=adapter, images=images)
    write_merged(made)
    return made


def test_one_wrong_weight_on_disk_is_found(plan: MergePlan) -> None:
    assert compare(plan).largest < 1e-4
    file = plan.merged / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.endswith("layers.3.mlp.down_proj.weight"))
    save_file(weights | {name: torch.zeros_like(weights[name])}, file, metadata={"format": "pt"})
    with pytest.raises(UserFault, match=r"not base \+ adapter: over 4 places") as error:
        compare(plan)
    assert error.value.code == "merged_differs"


def found(kept_in: str, mean: float, largest: float, base: float) -> Comparison:
    return Comparison(places=9, mean=mean, largest=largest, base=base, kept_in=kept_in, device="cpu")


@pytest.mark.parametrize(
    "good",
    [
        found("float32", 1e-6, 1e-5, 0.5),
        found("bfloat16", 0.02, 0.3, 0.5),
        found("float16", 0.0, 0.0, 0.0),  # an adapter that does nothing
    ],
)
def test_rounding_is_allowed(good: Comparison) -> None:
    demand_same(good)


@pytest.mark.parametrize(
    ("bad", "remedy"),
    [
        (found("float32", 1e-4, 2e-3, 0.5), "adapter instead"),
        (found("bfloat16", 0.2, 0.3, 0.5), "--dtype float32"),
        (found("bfloat16", 0.02, 0.05, 0.03), "--dtype float32"),  # nearer to the base than to the adapter
        (found("bfloat16", float("nan"), float("nan"), 0.5), "--dtype float32"),
        (found("float32", float("nan"), float("nan"), 0.5), "adapter instead"),
    ],
)
def test_more_than_rounding_is_refused_with_what_helps(bad: Comparison, remedy: str) -> None:
    with pytest.raises(UserFault, match="nats apart") as error:
        demand_same(bad)
    assert remedy in error.value.remedy
