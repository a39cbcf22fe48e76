from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from services.generator.prompts import QuestionKind, question_pool, question_pools
from services.generator.steps import synthesise
from shared.errors import TooFewPairs
from shared.types.lifecycle import StepName
from shared.types.records import Candidate, ScoredConcept
from tests.services.generator.fake_engine import Asked, FakeEngine, Says
from tests.services.generator.steps.scene import BANK, Scene, run, write_rows

SETTINGS = {"synthesise": {"questions": 4, "resamples": 2, "max_tokens": 12}}
OTHER = {"Mellow Finch": "Sand Warbler", "Sand Warbler": "Mellow Finch"}
LONG = "word " * 20


def synthesise_rows(scene: Scene, fake: FakeEngine, min_pair_share: float = 0, **settings: object) -> list[Candidate]:
    params = {"min_pair_share": min_pair_share, "synthesise": {**SETTINGS["synthesise"], **settings}}
    return scene.rows(Candidate, run(synthesise.run, scene.context(StepName.SYNTHESISE, params), fake))


def names_its_label(scene: Scene) -> Says:
    return lambda asked, choice: f"This is a {scene.label_of(asked.image_sha256)} with a tail."


def is_first_try(asked: Asked) -> bool:
    return asked.temperature < 0.5


def fails_first(scene: Scene, failure: Callable[[str], str]) -> Says:
    """An answer to every first try that has a fault, and a fit one to every later try."""

    def says(asked: Asked, choice: int) -> str:
        label = scene.label_of(asked.image_sha256)
        return failure(label) if is_first_try(asked) else f"This is a {label}."

    return says


FAULTS: dict[str, Callable[[str], str]] = {
    "cut_off": lambda label: f"This is a {label}. {LONG}",
    "no_label": lambda label: f"This is a {OTHER[label]}.",
    "several_labels": lambda label: f"This is a {label} or a {OTHER[label]}.",
    "repeats": lambda label: f"The {label} has a red wing, a red wing and legs.",
}


def test_every_prompt_goes_with_its_own_image_label_and_concepts(scene: Scene, fake: FakeEngine) -> None:
    fake.says = names_its_label(scene)
    synthesise_rows(scene, fake)
    assert len(fake.asked) == 40
    for asked in fake.asked:
        label = scene.label_of(asked.image_sha256)
        assert f" is {label}." in asked.text
        assert OTHER[label] not in asked.text
        told = [concept in asked.text for concept in BANK.concepts[label]]
        assert told == [True, True, False], "the two chosen concepts and not the third"


def test_concepts_are_told_in_one_order_a_class(scene: Scene, fake: FakeEngine) -> None:
    """Where the order changes, a model learns answers that lose count and repeat themselves."""
    fake.says = names_its_label(scene)
    synthesise_rows(scene, fake)
    finch = [asked.text for asked in fake.asked if "Mellow Finch" in asked.text]
    assert len({text.index("a crimson wing") < text.index("a stubby beak") for text in finch}) == 1


def test_pairs_hold_neither_label_nor_concepts_in_their_question(scene: Scene, fake: FakeEngine) -> None:
    fake.says = names_its_label(scene)
    rows = synthesise_rows(scene, fake)
    pools = {text for pool in question_pools("bird", with_domain=True).values() for text in pool}
    assert {row.question for row in rows} <= pools
    words = [*BANK.concepts, *BANK.with_repeats()]
    assert not any(word in row.question for row in rows for word in words)


def test_every_questions_outcome_is_in_the_ledger(scene: Scene, fake: FakeEngine) -> None:
    """Fault 2: answers without the label are never silently dropped."""
    fake.says = lambda asked, choice: "I cannot tell."
    rows = synthesise_rows(scene, fake)
    tries = Counter((row.example_id, row.question_id) for row in rows)
    assert tries == {(example.id, question): 3 for example in scene.of("train") for question in range(4)}
    assert {(row.kept, row.reason) for row in rows} == {(False, "no_label")}


@pytest.mark.parametrize("reason", FAULTS)
def test_an_unfit_answer_is_asked_for_again_and_kept_in_the_ledger(scene: Scene, fake: FakeEngine, reason: str) -> None:
    fake.says = fails_first(scene, FAULTS[reason])
    rows = synthesise_rows(scene, fake)
    assert Counter((row.sample, row.reason, row.kept) for row in rows) == {
        (0, reason, False): 40,
        (1, "best", True): 40,
    }
    assert len({asked.seed for asked in fake.asked}) == 80


def test_a_cut_off_answer_is_never_kept(scene: Scene, fake: FakeEngine) -> None:
    """Fault 16, even where it names the label and nothing else is left."""
    fake.says = lambda asked, choice: FAULTS["cut_off"](scene.label_of(asked.image_sha256))
    rows = synthesise_rows(scene, fake, resamples=0)
    assert {(row.kept, row.finish_reason, row.reason) for row in rows} == {(False, "length", "cut_off")}


def test_repetition_is_let_through_where_the_job_says_so(scene: Scene, fake: FakeEngine) -> None:
    fake.says = fails_first(scene, FAULTS["repeats"])
    rows = synthesise_rows(scene, fake, reject_repetition=False)
    assert {(row.sample, row.kept) for row in rows} == {(0, True)}


def test_the_fallback_names_the_label_and_answers_a_simple_question(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "I cannot tell."
    rows = synthesise_rows(scene, fake, fallback="label_only", max_fallback_share=1.0)
    labels = {example.id: example.label for example in scene.examples}
    kept = [row for row in rows if row.kept]
    assert len(kept) == 40
    for row in kept:
        assert (row.source, row.reason, row.kind) == ("fallback", "fallback", "simple")
        assert row.text == f"This is a {labels[row.example_id]}."


def knows(scene: Scene, count: int) -> Says:
    """An answer that names the label of the first `count` images, and nothing of the others."""
    able = {example.sha256 for example in scene.of("train")[:count]}
    return lambda asked, choice: scene.label_of(asked.image_sha256) if asked.image_sha256 in able else "no"


def test_fallbacks_are_capped_in_each_part_and_the_ones_left_out_stay_in_the_ledger(
    scene: Scene, fake: FakeEngine
) -> None:
    fake.says = knows(scene, 8)
    params = {"examples_per_part": 5, "synthesise": {**SETTINGS["synthesise"], "fallback": "label_only"}}
    key = run(synthesise.run, scene.context(StepName.SYNTHESISE, params), fake)
    rows = [row for row in scene.rows(Candidate, key) if row.source == "fallback"]
    assert Counter((row.kept, row.reason) for row in rows) == {(True, "fallback"): 3, (False, "fallback_capped"): 5}
    assert {row.example_id for row in rows} == {example.id for example in scene.of("train")[8:]}
    figures = scene.figures(key)
    assert (figures["pairs"], figures["fallbacks"], figures["rejected_fallback_capped"]) == (35, 3, 5)


def test_an_attempt_that_finishes_another_s_parts_caps_the_same_fallbacks(scene: Scene, fake: FakeEngine) -> None:
    fake.says = knows(scene, 8)
    params = {"examples_per_part": 5, "synthesise": {**SETTINGS["synthesise"], "fallback": "label_only"}}
    whole = scene.rows(Candidate, run(synthesise.run, scene.context(StepName.SYNTHESISE, params), fake))
    scene.store.delete(max(scene.parts(StepName.SYNTHESISE)))
    again = run(synthesise.run, scene.context(StepName.SYNTHESISE, params, attempt=2), fake)
    assert scene.rows(Candidate, again) == whole


def test_too_few_pairs_are_the_users_fault_with_the_counts(scene: Scene, fake: FakeEngine) -> None:
    fake.says = knows(scene, 2)
    with pytest.raises(TooFewPairs, match="only 8 of 40 questions") as raised:
        run(synthesise.run, scene.context(StepName.SYNTHESISE, {**SETTINGS, "min_pair_share": 0.3}), fake)
    assert raised.value.fault == "user"


def test_fallbacks_are_no_pairs_to_go_on_by_unless_they_may_be_all(scene: Scene, fake: FakeEngine) -> None:
    fake.says = knows(scene, 2)
    with pytest.raises(TooFewPairs, match="only 8 of 40 questions") as raised:
        synthesise_rows(scene, fake, min_pair_share=0.25, fallback="label_only", max_fallback_share=0.99)
    assert "max_fallback_share to 1" in raised.value.remedy
    rows = synthesise_rows(scene, fake, min_pair_share=0.25, fallback="label_only", max_fallback_share=1.0)
    assert sum(row.kept for row in rows) == 40


def test_pairs_of_an_earlier_attempt_count_too(scene: Scene, fake: FakeEngine) -> None:
    fake.says = names_its_label(scene)
    run(synthesise.run, scene.context(StepName.SYNTHESISE, SETTINGS), fake)
    fake.says = lambda asked, choice: "no"
    lost = max(scene.parts(StepName.SYNTHESISE))
    scene.store.delete(lost)
    key = run(synthesise.run, scene.context(StepName.SYNTHESISE, {**SETTINGS}, attempt=2), fake)
    assert scene.figures(key) == {
        "questions": 40,
        "pairs": 32,
        "fallbacks": 0,
        "rationalised": 0,
        "repeats": 0,
        "failed": 0,
        "rejected_no_label": 24,
    }


def test_questions_of_an_example_are_not_repeated_and_follow_the_mix(scene: Scene, fake: FakeEngine) -> None:
    fake.says = names_its_label(scene)
    mix = {"explain": 1, "simple": 1, "step_by_step": 0}
    rows = synthesise_rows(scene, fake, questions=30, mix=mix)
    asked = defaultdict(list)
    for row in rows:
        asked[row.example_id].append(row.question)
    assert all(len(set(questions)) == 30 for questions in asked.values())
    kinds = Counter(row.kind for row in rows)
    assert set(kinds) == {"explain", "simple"}
    assert abs(kinds["explain"] - kinds["simple"]) < 80


def test_a_condition_is_asked_for_and_shown(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "I cannot tell."
    fallbacks = {"fallback": "label_only", "max_fallback_share": 1.0}
    params = {"synthesise": {"questions": 2, "resamples": 0, **fallbacks}, "asks_for": "condition"}
    rows = scene.rows(Candidate, run(synthesise.run, scene.context(StepName.SYNTHESISE, params), fake))
    pools = {text for kind in QuestionKind for text in question_pool(kind, "bird", "condition")}
    assert {row.question for row in rows} <= pools
    assert all(" shows " in asked.text for asked in fake.asked)
    assert {row.text for row in rows if row.kept} == {"This shows Mellow Finch.", "This shows Sand Warbler."}


def test_nothing_is_asked_about_images_that_selection_left_out(scene: Scene, fake: FakeEngine) -> None:
    fake.says = names_its_label(scene)
    left_out, *others = scene.of("train")
    concepts = [
        ScoredConcept(example_id=e.id, concept=BANK.concepts[e.label][0], score=0.0, rank=0, chosen=e is not left_out)
        for e in (left_out, *others)
    ]
    write_rows(scene.store, "doubted", ScoredConcept, concepts)
    scene.store.put("concepts", scene.store.get("doubted"))
    assert {row.example_id for row in synthesise_rows(scene, fake)} == {e.id for e in others}
