"""Sets of drawn birds, as a describe step gets them and as the prompts that it makes of them. Asks nobody."""

import random
from pathlib import Path
from typing import Any

from PIL import Image

from selfsynth.demo.world.scene import random_scene, render
from services.generator.prompts import describe_instructions
from shared.artefacts import ArtefactWriter
from shared.job_settings import resolve
from shared.objects import ObjectStore, open_store
from shared.seeds import derive
from shared.types.lifecycle import StepName
from shared.types.records import Example
from shared.types.tasks import StepTask

NOUN = "bird"
DESCRIBE: dict[str, Any] = {"instructions": 3, "samples": 2, "temperature": 1.0, "top_p": 1.0, "max_tokens": 96}


class Birds:
    """`sets` of `size` images each, as files and as examples in a store, after a set that only warms up."""

    def __init__(self, folder: Path, sets: int, size: int) -> None:
        self.store: ObjectStore = open_store(f"file://{folder}")
        self.sets = [[self._drawn(folder, 10_000 * number + k) for k in range(size)] for number in range(sets + 1)]
        self.folder = folder

    def _drawn(self, folder: Path, number: int) -> Example:
        key = f"images/{number}.png"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(random_scene(random.Random(number)))).save(folder / key)
        return Example(
            id=str(number), image_key=key, label="", split="train", width=64, height=64, sha256="", source=""
        )

    def task(self, number: int) -> StepTask:
        key = f"sets/{number}"
        settings = resolve("default", {"noun": NOUN, "describe": DESCRIBE})
        task = StepTask(
            step_id=f"bench-1-describe-{number}",
            job_id="bench",
            round=1,
            step=StepName.DESCRIBE,
            attempt=1,
            inputs={},
            output_prefix=f"{key}/described",
            base_model="base",
            teacher="base",
            seed=number,
            params=settings.model_dump(mode="json"),
        )
        writer = ArtefactWriter(self.store, task.model_copy(update={"output_prefix": key}), Example)
        writer.put(0, self.sets[number])
        return task.model_copy(update={"inputs": {"examples": (writer.finish(1).key,)}})

    def asked(self, number: int) -> list[dict[str, Any]]:
        """The requests of the step about the set, as the offline side takes them."""
        task = self.task(number)
        sampling = {name: DESCRIBE[name] for name in ("temperature", "top_p", "max_tokens")} | {
            "n": DESCRIBE["samples"]
        }
        return [
            {
                "image": str(self.folder / example.image_key),
                "text": text,
                "sampling": sampling | {"seed": derive(task.seed, task.round, task.step.value, example.id, k)},
            }
            for example in self.sets[number]
            for k, text in enumerate(describe_instructions(NOUN))
        ]
