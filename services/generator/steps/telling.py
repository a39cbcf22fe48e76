"""Asks the teacher with label and visible concepts told, until an answer is fit. Serves synthesise and answer."""

from dataclasses import dataclass

from services.generator.chat import Reply, Sampling
from services.generator.prompts import synthesis_prompt
from services.generator.steps.inputs import Concepts
from services.generator.steps.questions import Question, told
from services.generator.steps.teacher import Sitting
from shared.job_settings import SynthesiseSettings
from shared.scoring.fitness import AnswerCheck
from shared.types.concepts import ConceptBank
from shared.types.domain import AsksFor


@dataclass(frozen=True)
class Telling:
    """How label and concepts are told. Every try has a seed of its own; the first is the coolest."""

    settings: SynthesiseSettings
    noun: str
    asks_for: AsksFor
    concepts: Concepts
    bank: ConceptBank
    check: AnswerCheck

    async def until_fit(
        self, sitting: Sitting, question: Question, tries: int, max_tokens: int
    ) -> list[tuple[Reply, str]]:
        """Up to `tries` replies, each with the reason code against it; the last has "" if one was fit. A reply that
        failed ends them: it was tried often enough."""
        prompt = self._prompt(sitting, question)
        tried: list[tuple[Reply, str]] = []
        for number in range(tries):
            [reply] = await sitting.ask(prompt, self._sampling(number, max_tokens), question.id, "told", number)
            tried.append((reply, self.check.fault(reply, sitting.example.label)))
            if tried[-1][1] in ("", "failed"):
                break
        return tried

    def _prompt(self, sitting: Sitting, question: Question) -> str:
        seen = self.concepts.get(sitting.example.id, ())
        label = sitting.example.label
        features = told(seen, self.bank.concepts.get(label, ()), self.settings, sitting.seed(question.id, "order"))
        return synthesis_prompt(label, features, question.text, self.noun, self.asks_for)

    def _sampling(self, number: int, max_tokens: int) -> Sampling:
        temperature = self.settings.resample_temperature if number else self.settings.temperature
        return Sampling(1, temperature, self.settings.top_p, max_tokens)
