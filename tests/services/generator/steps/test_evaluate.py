from services.generator.prompts import QuestionKind, question_pool
from services.generator.steps import evaluate
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


_ANSWERS = (
    "I cannot say, since it is far too dark in this picture here.",
    "A Mellow Finch or a Sand Warbler.",
    "A red wing, a red wing.",
)


def _list_all(asked: Asked, choice: int) -> str:
    return "A Mellow Finch or a Sand Warbler."
