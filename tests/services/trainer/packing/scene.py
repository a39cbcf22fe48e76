"""A tiny model with LoRA weights that do something, and pairs of two images."""

from pathlib import Path
from typing import Any

import torch
from PIL import Image

from services.trainer.plan import TrainPair
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.augmenting import Views
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.lora import build_model
from services.trainer.tuning.processing import load_processor
from tests.services.trainer.tuning.test_tune import make_plan

ASKED = [
    ("What bird is this?", "It is a Redfinch bird with a long tail."),
    ("What bird is this?", "A Redfinch."),
    ("Which bird is it, and what is its tail like?", "It has a long tail, so it is a Redfinch."),
]


def model_of(folder: Path, path: Path) -> Any:
    torch.manual_seed(3)
    model = build_model(make_plan(folder, path, lora_dropout=0.0))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    return model.train()


def encoder_of(folder: Path, path: Path) -> PairEncoder:
    folder.mkdir(exist_ok=True)
    for name, shade in (("a.png", 30), ("b.png", 190)):
        Image.effect_noise((64, 64), shade).save(folder / name)
    return PairEncoder(load_processor(path), folder, Views(1, ("rotation", "blur")))


def pairs_of(encoder: PairEncoder, images: tuple[str, ...] = ("a.png", "b.png")) -> list[TokenPair]:
    asked = [TrainPair(image=image, question=q, answer=a) for image in images for q, a in ASKED]
    return encode_all(encoder, asked, 200)[0]
