"""What a job may choose: `job.py` has all of it, the other files each a kind of step. Pure."""

from shared.job_settings.benchmark import BenchmarkSettings, benchmarked
from shared.job_settings.explanation import FaithfulnessSettings, JudgeSettings
from shared.job_settings.fields import StepSettings
from shared.job_settings.generating import (
    AnswerSettings,
    DescribeSettings,
    EvaluateSettings,
    QuestionMix,
    SynthesiseSettings,
)
from shared.job_settings.job import PAPER, PRESETS, JobSettings, Method, resolve
from shared.job_settings.selecting import SelectAnswersSettings, SelectConceptsSettings
from shared.job_settings.training import EarlyStoppingSettings, InstructionSettings, Parallel, TrainSettings

__all__ = [
    "PAPER",
    "PRESETS",
    "AnswerSettings",
    "BenchmarkSettings",
    "DescribeSettings",
    "EarlyStoppingSettings",
    "EvaluateSettings",
    "FaithfulnessSettings",
    "InstructionSettings",
    "JobSettings",
    "JudgeSettings",
    "Method",
    "Parallel",
    "QuestionMix",
    "SelectAnswersSettings",
    "SelectConceptsSettings",
    "StepSettings",
    "SynthesiseSettings",
    "TrainSettings",
    "benchmarked",
    "resolve",
]
