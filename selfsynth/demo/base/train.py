"""Trains the demo's base model from nothing: `python -m selfsynth.demo.base.train --out DIR` (`make demo-base`).

Every random number comes from the fixed seeds below. Writes the checkpoint, the prompts' hash and the abilities.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import torch

from selfsynth.demo.base.abilities import Examination
from selfsynth.demo.base.architecture import build_model
from selfsynth.demo.base.language import Stage, train_language
from selfsynth.demo.base.lessons import COPYING, GROUNDING, NOUN
from selfsynth.demo.base.pictures import random_birds
from selfsynth.demo.base.saving import save
from selfsynth.demo.base.speech import Speaker
from selfsynth.demo.base.text import build_processor, train_tokenizer
from selfsynth.demo.base.vision import targets, tower_accuracy, train_tower
from services.generator.prompts import prompts_hash

log = logging.getLogger(__name__)
CHECKPOINT = Path(__file__).parent / "checkpoint"
RECORD = "base.json"
_WEIGHTS_SEED, _TOKENIZER_SEED, _BIRDS_SEED, _HELD_OUT_SEED, _EXAMINATION_SEED = 0, 1, 1000, 9000, 77
_BIRDS, _HELD_OUT = 12_000, 800
_VISION_STEPS, _VISION_BATCH = 600, 128
_COURSE = (
    Stage("rehearsal", 500, None),
    Stage("copying", 2000, COPYING),
    # Enough to explain and to copy names. With twice as many steps names told stick so well that none is learned.
    Stage("grounding", 1000, GROUNDING),
)


def train(out: Path) -> None:
    """Train both stages, save the checkpoint in bfloat16, and examine what was saved."""
    started = time.monotonic()
    torch.set_num_threads(1)  # sums in one order: the same weights on any number of cores
    torch.manual_seed(_WEIGHTS_SEED)
    tokenizer = train_tokenizer(_TOKENIZER_SEED)
    model = build_model(tokenizer)
    scenes, pixels = random_birds(_BIRDS, _BIRDS_SEED)
    heads = train_tower(model, pixels, targets(scenes), _VISION_STEPS, _VISION_BATCH, _WEIGHTS_SEED)
    held_out, held_out_pixels = random_birds(_HELD_OUT, _HELD_OUT_SEED)
    seeing = tower_accuracy(model, heads, held_out_pixels, targets(held_out))
    log.info("the tower sees %s", seeing)
    train_language(model, tokenizer, scenes, pixels, _COURSE)
    save(model, build_processor(tokenizer), out)
    abilities = Examination(Speaker(out), _EXAMINATION_SEED, birds=300).all()
    record = {
        "prompts_hash": prompts_hash(NOUN),
        "noun": NOUN,
        "parameters": sum(p.numel() for p in model.parameters()),
        "training_seconds": round(time.monotonic() - started),
        "vision_accuracy": seeing,
        "abilities": abilities,
    }
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    log.info("%s", json.dumps(record, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKPOINT)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(parser.parse_args().out)
