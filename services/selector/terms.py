"""What a job may add to an answer's score beside s(y); nothing by default. Knows no labels in answers.

A term is off at weight 0 and then costs nothing.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from services.selector.ranking import AnswerRanking
from shared.job_settings import SelectAnswersSettings
from shared.types.records import Candidate


def added(
    settings: SelectAnswersSettings, ranking: AnswerRanking, answers: Sequence[str], answers_ye: Tensor, label: str
) -> Tensor:
    """The weighted terms of answers about an image of class `label`: [Y] float64."""
    total_y = torch.zeros(len(answers), dtype=torch.float64, device=answers_ye.device)
    if settings.length_weight:
        lengths = [math.log1p(len(answer.split())) for answer in answers]
        total_y += settings.length_weight * torch.tensor(lengths, dtype=torch.float64, device=answers_ye.device)
    if settings.margin_weight:
        total_y += settings.margin_weight * ranking.margins_of_embedded(answers_ye, label)
    return total_y


def of_contrast(settings: SelectAnswersSettings, rows: Sequence[Candidate], like: Tensor) -> Tensor:
    """The weighted contrast of each candidate: [Y], as `like`. One that was not looked at owes the picture nothing."""
    return settings.contrast_weight * like.new_tensor([row.contrast or 0.0 for row in rows])
