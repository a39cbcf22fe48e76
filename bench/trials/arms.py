"""The arms that are compared. Each trains on as many pairs, for as many steps, as `ours` with the same seed.

Knows the steps by name; where an arm needs what no setting gives, it changes the rows between two steps.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.trials import changes
from bench.trials.hiding import Hidden, following, hidden_ones
from bench.trials.loop import Job, Loop
from bench.trials.outcome import Figures, distinct_candidates, figures_of
from bench.trials.recipe import ASKED_SIMPLY, CHANGED, JOB, OWN_CONCEPTS, ROUND_1_OF_OURS
from selfsynth.demo.world.dataset import draw_images
from selfsynth.demo.world.drawn import HARD
from selfsynth.demo.world.measure import read_truth
from services.api.rounds import Position
from services.generator.prompts import QuestionKind, question_pool
from shared.artefacts import ArtefactWriter
from shared.job_settings import SynthesiseSettings, resolve
from shared.types.concepts import ConceptBank
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, Example, Prediction, ScoredConcept

_HIDDEN = 200


class Seed:
    """What the arms of one seed share: the drawn world in the store, the base's figures, descriptions, and `ours`."""

    def __init__(self, loop: Loop, world: Path, seed: int, quick: bool, twins: Mapping[str, str]) -> None:
        self.loop, self.seed, self.twins, self._quick = loop, seed, twins, quick
        self.truth = read_truth(world / "truth.json")
        self.examples = _examples(loop, world, seed)
        self._train = [row for row in self.examples if row.split == "train"]
        self.labels = {row.id: row.label for row in self.examples}
        self._bank = f"worlds/{world.name}/bank.json"
        loop.store.put(self._bank, _bank(world).model_dump_json().encode())
        self._examples_key = self._leave_examples(f"worlds/{world.name}/examples", self.examples)

    def job(self, arm: str) -> Job:
        """With the descriptions that all arms share, and the chosen concepts where the arm has none of its own."""
        job = Job(f"{arm}-s{self.seed}", self.seed, self._params(arm), self._examples_key, self._bank)
        if arm == "shuffled_labels":
            changed = changes.shuffled_labels(self.examples, self.seed)
            job.examples = self._leave_examples(f"worlds/shuffled-s{self.seed}/examples", changed)
        if arm != "base":
            base = self.job("base")
            job.artefacts[Position(1, StepName.DESCRIBE)] = (self.loop.run(base, 1, StepName.DESCRIBE),)
            owner = job if arm in OWN_CONCEPTS else base
            job.artefacts[Position(1, StepName.SELECT_CONCEPTS)] = (self.loop.run(owner, 1, StepName.SELECT_CONCEPTS),)
        return job

    def run(self, arm: str, rounds: int) -> list[Figures]:
        """The figures of each round, the base's first."""
        base = self.job("base")
        found = [self._measured(base, 0)]
        if arm == "base":
            return found
        job, ours = self.job(arm), self.job("ours")
        for round_ in range(1, rounds + 1):
            own = self._pairs(job, round_, arm, ours)
            self.loop.run(job, round_, StepName.TRAIN)
            found.append({**self._measured(job, round_), **own})
        return found

    def _pairs(self, job: Job, round_: int, arm: str, ours: Job) -> Figures:
        """Leaves the round's QA pairs for training, and says what they are."""
        key = self._made(ours, round_, "ours")
        count = len(changes.kept(self.loop.rows(key, Candidate)))
        step = StepName.SYNTHESISE if round_ == 1 else StepName.SELECT_ANSWERS
        if arm == "ours":
            job.artefacts[Position(round_, step)] = (key,)
            rows = self.loop.rows(key, Candidate)
        else:
            rows = self._changed(job, round_, arm, key)
            self.loop.leave(job, round_, step, changes.levelled(rows, count, self.seed), Candidate)
        return {"pairs": count, "pairs_made": len(changes.kept(rows)), "distinct": distinct_candidates(rows)}

    def _changed(self, job: Job, round_: int, arm: str, of_ours: str) -> list[Candidate]:
        seed = self.seed + 1000 * round_
        if arm in ASKED_SIMPLY:
            pairs = changes.kept(self.loop.rows(of_ours, Candidate))
            simple = question_pool(QuestionKind.SIMPLE, JOB["noun"])
            return changes.label_only(self._train, len(pairs), simple, seed)
        concepts = self.loop.rows(job.artefacts[Position(1, StepName.SELECT_CONCEPTS)][0], ScoredConcept)
        if arm == "class_explanation":
            return changes.class_explanation(self.loop.rows(of_ours, Candidate), self.labels, concepts)
        if arm == "own_explanation":
            return changes.own_explanation(self._untold(round_), self.labels)
        if round_ == 1 and arm in ("no_selection", "other_image"):
            drawn = (
                changes.random_concepts(concepts, self.seed)
                if arm == "no_selection"
                else changes.other_image_concepts(concepts, self.labels, self.seed)
            )
            self.loop.leave(job, 1, StepName.SELECT_CONCEPTS, drawn, ScoredConcept)
        if round_ == 1 and arm in ROUND_1_OF_OURS:
            return self.loop.rows(of_ours, Candidate)
        made = self.loop.rows(self._made(job, round_, arm), Candidate)
        return changes.first_sample(made) if arm == "first_sample" else made

    def _made(self, job: Job, round_: int, arm: str) -> str:
        """The pairs as the loop makes them from the job's model; those of `ours` need its earlier rounds trained."""
        if round_ == 1:
            return self.loop.run(job, 1, StepName.SYNTHESISE)
        if arm == "ours" and round_ - 1 not in job.adapters:
            self._made(job, round_ - 1, arm)
            self.loop.run(job, round_ - 1, StepName.TRAIN)
        if job.params["select_concepts"]["refresh"]:
            self.loop.run(job, round_, StepName.DESCRIBE)
            self.loop.run(job, round_, StepName.SELECT_CONCEPTS)
        self.loop.run(job, round_, StepName.ANSWER)
        return self.loop.run(job, round_, StepName.SELECT_ANSWERS)

    def _untold(self, round_: int) -> list[Candidate]:
        """What the base says when it is asked as many questions as in synthesis, and told nothing."""
        asked = SynthesiseSettings(**JOB["synthesise"])
        own = {"samples": 1, "rationalise": 0, **asked.model_dump(include={"questions", "mix", "temperature"})}
        job = self.job("base")
        job.id, job.params = f"untold-s{self.seed}-{round_}", self._params("base", {"answer": own})
        job.artefacts = dict(self.job("ours").artefacts)
        job.seed = self.seed + 1000 * (round_ - 1)
        return self.loop.rows(self.loop.run(job, 1, StepName.ANSWER), Candidate)

    def _measured(self, job: Job, round_: int) -> Figures:
        rows = self.loop.rows(self.loop.run(job, round_, StepName.EVALUATE), Prediction)
        return figures_of(rows, self.truth, self.twins) | self._following(job, round_, rows)

    def _following(self, job: Job, round_: int, rows: list[Prediction]) -> Figures:
        """Asked once more, of pictures in which a part that was cited is hidden, too."""
        drawn = draw_images(HARD, "test", len([r for r in rows if r.split == "test"]) // len(HARD.species), self.seed)
        asked = hidden_ones(drawn, rows, self.truth, _HIDDEN, self.seed)
        if not asked:
            return {}
        left = self._leave_hidden(job, round_, asked)
        again = Job(f"{job.id}-hidden", job.seed, job.params, left, job.bank, dict(job.artefacts))
        if round_:
            self.loop.publish(again, round_, job.artefacts[Position(round_, StepName.TRAIN)][0])
        return following(asked, self.loop.rows(self.loop.run(again, round_, StepName.EVALUATE), Prediction))

    def _leave_hidden(self, job: Job, round_: int, asked: list[Hidden]) -> str:
        known, rows = {row.id: row for row in self.examples}, []
        folder = f"worlds/hidden/{job.id}-r{round_}"
        for one in asked:
            self.loop.store.put(key := f"{folder}/{one.id}.png", one.png)
            rows.append(known[one.id].model_copy(update={"image_key": key}))
        return self._leave_examples(f"{folder}/examples", rows)

    def _params(self, arm: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        settings = {name: value for name, value in JOB.items() if arm != "paper" or name != "select_concepts"}
        if self._quick:
            settings["train"] = JOB["train"] | {"epochs": 1}
        if arm in ASKED_SIMPLY:
            settings["evaluate"] = JOB["evaluate"] | {"kind": "simple"}
        for name, value in {**CHANGED.get(arm, {}), **(more or {})}.items():
            settings[name] = settings[name] | value
        return resolve("paper" if arm == "paper" else "default", settings).model_dump(mode="json")

    def _leave_examples(self, prefix: str, examples: list[Example]) -> str:
        task = Job("world", self.seed, self._params("base"), "", self._bank).task(0, StepName.EVALUATE)
        writer = ArtefactWriter(self.loop.store, task.model_copy(update={"output_prefix": prefix}), Example)
        writer.put(0, examples)
        return writer.finish(1).key


def _examples(loop: Loop, world: Path, seed: int) -> list[Example]:
    rows = []
    for split in ("train", "validation", "test"):
        for row in json.loads((world / f"birds-{split}.json").read_text()):
            key = f"worlds/{world.name}/{row['img_path']}"
            loop.store.put(key, (world / row["img_path"]).read_bytes())
            rows.append(
                Example(
                    id=row["id"],
                    image_key=key,
                    label=row["label"],
                    split=split,
                    width=64,
                    height=64,
                    sha256="",
                    source="",
                )
            )
    return rows


def _bank(world: Path) -> ConceptBank:
    banks = json.loads((world / "birds_visual_features.json").read_text()).values()
    return ConceptBank(version=1, concepts={bank["name"]: tuple(bank["visual_features"]) for bank in banks})
