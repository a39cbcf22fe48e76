"""describe: several descriptions of every training image, from several instructions. Tells the model no label."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from services.generator.chat import Engine, Sampling
from services.generator.prompts import describe_instructions
from services.generator.steps.inputs import shard_examples
from services.generator.steps.parts import PartRun
from services.generator.steps.teacher import Sitting
from shared.artefacts import ManifestRef
from shared.job_settings import DescribeSettings
from shared.types.records import Description
from shared.worker.context import StepContext


def run(context: StepContext, engine: Engine) -> ManifestRef:
    settings = context.settings.describe
    instructions = describe_instructions(context.settings.noun)[: settings.instructions]

    async def rows_of(sitting: Sitting) -> Sequence[Description]:
        asked = (_describe(sitting, k, text, settings) for k, text in enumerate(instructions))
        return [row for rows in await asyncio.gather(*asked) for row in rows]

    parts = PartRun(context, Description, shard_examples(context, ["train"]), rows_of)
    parts.complete(engine)
    return parts.writer.finish(parts.part_count, figures(parts.writer.read()))


def figures(rows: Iterable[Description]) -> dict[str, float]:
    """How many descriptions there are, and how many the engine never gave."""
    counts = Counter(row.finish_reason == "failed" for row in rows)
    return {"descriptions": float(counts[False]), "failed": float(counts[True])}


async def _describe(sitting: Sitting, instruction: int, text: str, settings: DescribeSettings) -> list[Description]:
    sampling = Sampling(settings.samples, settings.temperature, settings.top_p, settings.max_tokens)
    replies = await sitting.ask(text, sampling, instruction)
    return [
        Description(
            example_id=sitting.example.id,
            instruction=instruction,
            sample=sample,
            text=reply.text,
            finish_reason=reply.finish_reason,
            failure=reply.failure,
        )
        for sample, reply in enumerate(replies)
    ]
