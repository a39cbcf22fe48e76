"""Every word that the generator says to a model: instructions, questions, and the synthesis prompt.

Pure text: knows no model, data set or step. Domains enter through their noun ("bird", "leaf", "X-ray image").
"""

from services.generator.prompts.build import (
    describe_instructions,
    prompts_hash,
    question_pool,
    question_pools,
    synthesis_prompt,
    view_prompt,
    view_prompt_hash,
)
from services.generator.prompts.domains import QUESTIONED
from services.generator.prompts.questions import Pools, QuestionKind

__all__ = [
    "QUESTIONED",
    "Pools",
    "QuestionKind",
    "describe_instructions",
    "prompts_hash",
    "question_pool",
    "question_pools",
    "synthesis_prompt",
    "view_prompt",
    "view_prompt_hash",
]
