from services.generator.prompts import QuestionKind, question_pool
from services.generator.steps import evaluate
from shared.artefacts import read_manifest
from shared.types.lifecycle import StepName
from shared.types.records import Prediction
from tests.services.generator.fake_engine import Asked, FakeEngine
from tests.services.generator.steps.scene import Scene, run


def evaluate_key(scene: Scene, fake: FakeEngine, **changes: object) -> str:
    params = {"evaluate": {"max_tokens": 10}, **changes}
    return run(evaluate.run, scene.context(StepName.EVALUATE, params), fake)


def test_every_held_out_image_is_asked_the_one_plain_question_greedily(scene: Scene, fake: FakeEngine) -> None:
    key = evaluate_key(scene, fake)
    question = question_pool(QuestionKind.EXPLAIN, "bird")[0]
    assert {(asked.text, asked.temperature, asked.n) for asked in fake.asked} == {(question, 0.0, 1)}
    rows = scene.rows(Prediction, key)
    assert [row.example_id for row in rows] == [example.id for example in scene.of("validation", "test")]
    assert {row.question for row in rows} == {question}


def test_every_answer_is_about_its_own_image(scene: Scene, fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: scene.label_of(asked.image_sha256)
    rows = scene.rows(Prediction, evaluate_key(scene, fake))
    assert all(row.correct and row.answer == row.label for row in rows)


def test_figures_count_each_split_by_itself(scene: Scene, fake: FakeEngine) -> None:
    say = dict(zip([example.sha256 for example in scene.of("test")], _ANSWERS, strict=True))
    fake.says = lambda asked, choice: say.get(asked.image_sha256, "") or scene.label_of(asked.image_sha256)
    figures = scene.figures(evaluate_key(scene, fake))
    assert {name: figures[f"validation_{name}"] for name in ("total", "correct", "contains_label", "none")} == {
        "total": 3, "correct": 3, "contains_label": 3, "none": 0,
    }  # fmt: skip
    assert {name.removeprefix("test_"): count for name, count in figures.items() if name.startswith("test_")} == {
        "total": 3, "failed": 0, "correct": 0, "contains_label": 1, "none": 2, "several": 1, "repeats": 1, "cut_off": 1,
    }  # fmt: skip


def test_listing_all_classes_does_not_win(scene: Scene, fake: FakeEngine) -> None:
    fake.says = _list_all
    rows = scene.rows(Prediction, evaluate_key(scene, fake))
    assert {(row.predicted, row.correct, row.contains_label) for row in rows} == {("several", False, True)}


def test_the_kind_of_question_is_the_jobs_choice(scene: Scene, fake: FakeEngine) -> None:
    evaluate_key(scene, fake, evaluate={"kind": "simple"})
    assert {asked.text for asked in fake.asked} == {question_pool(QuestionKind.SIMPLE, "bird")[0]}


def test_a_condition_is_asked_for_where_the_data_set_shows_one(scene: Scene, fake: FakeEngine) -> None:
    evaluate_key(scene, fake, asks_for="condition")
    assert {asked.text for asked in fake.asked} == {question_pool(QuestionKind.EXPLAIN, "bird", "condition")[0]}


def test_class_probabilities_are_asked_for_only_where_the_job_wants_them(scene: Scene, fake: FakeEngine) -> None:
    key = evaluate_key(scene, fake)
    assert {row.log_likelihoods for row in scene.rows(Prediction, key)} == {None}
    assert read_manifest(scene.store, key).extra == {}


def test_each_class_s_sentence_is_read_after_the_plainest_question(scene: Scene, fake: FakeEngine) -> None:
    fake.finds = lambda asked: -0.25 if scene.label_of(asked.image_sha256) in str(asked.said) else -3.0
    key = evaluate_key(scene, fake, evaluate={"probabilities": True})
    read = [asked for asked in fake.asked if asked.said]
    assert {asked.said for asked in read} == {"This is a Mellow Finch.", "This is a Sand Warbler."}
    assert {asked.text for asked in read} == {question_pool(QuestionKind.SIMPLE, "bird")[0]}
    assert read_manifest(scene.store, key).extra == {"classes": ["Mellow Finch", "Sand Warbler"]}
    for row in scene.rows(Prediction, key):
        # What both begin with is left out: of "Mellow Finch." the first word has -0.5 and the last what `finds` gives.
        right, wrong = -0.5 - 0.25, -0.5 - 3.0
        assert row.log_likelihoods == ((right, wrong) if row.label == "Mellow Finch" else (wrong, right))
    assert scene.figures(key)["probability_requests"] == len(read) == 12


def test_no_more_images_are_asked_about_than_the_job_says_and_in_each_round_the_same(
    scene: Scene, fake: FakeEngine
) -> None:
    wanted = {"probabilities": True, "probability_images": 2}
    rows = scene.rows(Prediction, evaluate_key(scene, fake, evaluate=wanted))
    asked = {(row.split, row.example_id) for row in rows if row.log_likelihoods}
    assert sorted(split for split, _ in asked) == ["test", "test", "validation", "validation"]
    halves = [scene.context(StepName.EVALUATE, {"evaluate": wanted}, shard=k, shards=2) for k in range(2)]
    cut = [row for half in halves for row in scene.rows(Prediction, run(evaluate.run, half, fake))]
    assert {(row.split, row.example_id) for row in cut if row.log_likelihoods} == asked


def test_an_image_of_which_a_class_could_not_be_asked_has_no_probabilities(scene: Scene, fake: FakeEngine) -> None:
    bad = scene.of("test")[0].sha256
    fake.fails = lambda asked: 400 if asked.said and asked.image_sha256 == bad and "Sand" in asked.said else 0
    wanted = {"evaluate": {"probabilities": True}, "failed_share": 0.5}
    rows = scene.rows(Prediction, evaluate_key(scene, fake, **wanted))
    assert [row.log_likelihoods is None for row in rows if row.split == "test"] == [True, False, False]


_ANSWERS = (
    "I cannot say, since it is far too dark in this picture here.",
    "A Mellow Finch or a Sand Warbler.",
    "A red wing, a red wing.",
)


def _list_all(asked: Asked, choice: int) -> str:
    return "A Mellow Finch or a Sand Warbler."
