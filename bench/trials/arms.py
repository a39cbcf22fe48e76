"""The arms that are compared. Each trains on as many pairs, for as many steps, as `ours` with the same seed.

Knows the steps by name; where an arm needs what no setting gives, it changes the rows between two steps.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.trials import changes
from bench.trials.hiding import following, hidden_ones, png_of
from bench.trials.loop import Job, Loop
from bench.trials.outcome import Figures, distinct_candidates, figures_of, found_suspects
from bench.trials.recipe import (
    ASKED_SIMPLY,
    BLIND,
    CHANGED,
    GIVEN,
    JOB,
    OWN_CONCEPTS,
    PAIRS_1_OF_OURS,
    ROUND_1_OF_OURS,
)
from selfsynth.demo.world.dataset import draw_images
from selfsynth.demo.world.drawn import HARD
from selfsynth.demo.world.measure import read_truth
from selfsynth.demo.world.scene import Scene
from services.api.report.suspects import suspects_of
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
            key = self._trained(job, round_, arm, ours)
            measured = self._measured(ours if _as_ours(arm, round_) else job, round_)
            steps = self.loop.figures(key)["optimiser_steps"]
            found.append({**measured, **own, "steps": steps, "as_ours": _as_ours(arm, round_)})
        return found

    def _trained(self, job: Job, round_: int, arm: str, ours: Job) -> str:
        """What is as `ours` in round 1 takes over its adapter instead of training the same again."""
        if not _as_ours(arm, round_):
            return self.loop.run(job, round_, StepName.TRAIN)
        key = self.loop.run(ours, 1, StepName.TRAIN)
        job.artefacts |= ours.artefacts
        self.loop.publish(job, 1, key)
        return key

    def _pairs(self, job: Job, round_: int, arm: str, ours: Job) -> Figures:
        """Leaves the round's QA pairs for training, and says what they are."""
        key = self._made(ours, round_, "ours")
        count = len(changes.kept(self.loop.rows(key, Candidate)))
        step = StepName.SYNTHESISE if round_ == 1 else StepName.SELECT_ANSWERS
        if arm == "ours":
            job.artefacts[Position(round_, step)] = (key,)
            rows = made = self.loop.rows(key, Candidate)
        else:
            rows, made = self._changed(job, round_, arm, key)
            key = job.artefacts.get(Position(round_, step), (key,))[0]
            self.loop.leave(job, round_, step, changes.levelled(rows, count, self.seed), Candidate)
        told = {"pairs": count, "pairs_made": len(changes.kept(rows)), "distinct": distinct_candidates(made)}
        suspects = [row.example_id for row in suspects_of(self.loop.store, [key])]
        return told | (found_suspects(suspects, self.labels, self.truth) if made and round_ > 1 else {})

    def _changed(self, job: Job, round_: int, arm: str, of_ours: str) -> tuple[list[Candidate], list[Candidate]]:
        """The arm's pairs, and the candidates that they were chosen from, where its own model gave any."""
        if arm in GIVEN:
            return self._given(job, round_, arm, of_ours), []
        if round_ == 1 and arm in PAIRS_1_OF_OURS:
            return self.loop.rows(of_ours, Candidate), []
        if round_ == 1 and arm in BLIND:
            concepts = self._concepts(job)
            drawn = (
                changes.random_concepts(concepts, self.seed)
                if arm == "no_selection"
                else changes.other_image_concepts(concepts, self.labels, self.seed)
            )
            self.loop.leave(job, 1, StepName.SELECT_CONCEPTS, drawn, ScoredConcept)
        made = self.loop.rows(self._made(job, round_, arm), Candidate)
        return changes.first_sample(made) if arm == "first_sample" else made, made

    def _given(self, job: Job, round_: int, arm: str, of_ours: str) -> list[Candidate]:
        """Pairs that are no choice among the model's own answers."""
        pairs = self.loop.rows(of_ours, Candidate)
        if arm in ASKED_SIMPLY:
            simple = question_pool(QuestionKind.SIMPLE, JOB["noun"])
            seed = self.seed + 1000 * round_
            return changes.label_only(self._train, len(changes.kept(pairs)), simple, seed)
        if arm == "class_explanation":
            return changes.class_explanation(pairs, self.labels, self._concepts(job))
        return changes.own_explanation(self._untold(round_), self.labels)

    def _concepts(self, job: Job) -> list[ScoredConcept]:
        return self.loop.rows(job.artefacts[Position(1, StepName.SELECT_CONCEPTS)][0], ScoredConcept)

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
        """Asked twice more, of pictures in which a part that was cited, or another one, is hidden, too."""
        drawn = draw_images(HARD, "test", len([r for r in rows if r.split == "test"]) // len(HARD.species), self.seed)
        asked = hidden_ones(drawn, rows, self.truth, _HIDDEN, self.seed)
        if not asked:
            return {}
        hidden = self._asked_of(job, round_, "hidden", {one.id: one.scene for one in asked})
        return following(asked, hidden, self._asked_of(job, round_, "unrelated", {o.id: o.unrelated for o in asked}))

    def _asked_of(self, job: Job, round_: int, name: str, scenes: Mapping[str, Scene]) -> list[Prediction]:
        left = self._leave_scenes(f"worlds/{name}/{job.id}-r{round_}", scenes)
        again = Job(f"{job.id}-{name}", job.seed, job.params, left, job.bank, dict(job.artefacts))
        if round_:
            self.loop.publish(again, round_, job.artefacts[Position(round_, StepName.TRAIN)][0])
        return self.loop.rows(self.loop.run(again, round_, StepName.EVALUATE), Prediction)

    def _leave_scenes(self, folder: str, scenes: Mapping[str, Scene]) -> str:
        known, rows = {row.id: row for row in self.examples}, []
        for id_, scene in scenes.items():
            self.loop.store.put(key := f"{folder}/{id_}.png", png_of(scene))
            rows.append(known[id_].model_copy(update={"image_key": key}))
        return self._leave_examples(f"{folder}/examples", rows)

    def _params(self, arm: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        settings = {name: value for name, value in JOB.items() if arm != "paper" or name != "select_concepts"}
        if self._quick:
            settings["train"] = JOB["train"] | {"epochs": 1}
        if arm in ASKED_SIMPLY:
            settings["evaluate"] = JOB["evaluate"] | {"kind": "simple"}
        for name, value in {**CHANGED.get(arm, {}), **(more or {})}.items():
            settings[name] = settings.get(name, {}) | value
        return resolve("paper" if arm == "paper" else "default", settings).model_dump(mode="json")

    def _leave_examples(self, prefix: str, examples: list[Example]) -> str:
        task = Job("world", self.seed, self._params("base"), "", self._bank).task(0, StepName.EVALUATE)
        writer = ArtefactWriter(self.loop.store, task.model_copy(update={"output_prefix": prefix}), Example)
        writer.put(0, examples)
        return writer.finish(1).key


def _as_ours(arm: str, round_: int) -> bool:
    return round_ == 1 and arm in ROUND_1_OF_OURS


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
