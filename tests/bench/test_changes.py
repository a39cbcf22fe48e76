"""What the comparison's arms change in the rows of a job, and nothing else."""

from collections import Counter
from typing import Any

from bench.trials import changes
from shared.types.records import Candidate, Example, ScoredConcept

LABELS = {"a": "wren", "b": "wren", "c": "wren", "d": "kite"}
BANK = {"wren": ("brown", "barred", "short"), "kite": ("red", "forked", "long")}
CHOSEN = {"a": {"brown"}, "b": {"brown", "short"}, "c": {"barred", "brown"}, "d": {"red"}}
CONCEPTS = [
    ScoredConcept(example_id=id_, concept=concept, score=-float(k), rank=k, chosen=concept in CHOSEN[id_])
    for id_, label in LABELS.items()
    for k, concept in enumerate(BANK[label])
]


def row(image: str, question: int = 0, **fields: Any) -> Candidate:
    facts: dict[str, Any] = {
        "kind": "explain", "question": "What is it?", "sample": 0, "source": "synthesised", "text": f"It is {image}.",
        "finish_reason": "stop", "score": None, "kept": True, "reason": "best",
    }  # fmt: skip
    return Candidate(example_id=image, question_id=question, **{**facts, **fields})


def example(id_: str, label: str, split: Any = "train") -> Example:
    return Example(id=id_, image_key=id_, label=label, split=split, width=1, height=1, sha256="", source="")


def chosen(rows: list[ScoredConcept]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {id_: set() for id_ in LABELS}
    for one in rows:
        if one.chosen:
            found[one.example_id].add(one.concept)
    return found


def test_label_only_answers_name_the_label_and_explain_nothing() -> None:
    made = changes.label_only([example("a", "wren"), example("d", "kite")], 2, ["What bird?"], seed=1)
    assert [(one.example_id, one.question, one.text) for one in made] == [
        ("a", "What bird?", "This is a wren."),
        ("d", "What bird?", "This is a kite."),
    ]


def test_label_only_pairs_are_spread_evenly_over_the_images() -> None:
    made = changes.label_only([example(id_, "wren") for id_ in "abc"], 7, ["What bird?"], seed=1)
    assert sorted(Counter(one.example_id for one in made).values()) == [2, 2, 3]


def test_images_that_were_left_out_get_no_other_image_s_concepts() -> None:
    doubted = [one.model_copy(update={"chosen": one.chosen and one.example_id != "b"}) for one in CONCEPTS]
    found = chosen(changes.other_image_concepts(doubted, LABELS, seed=0))
    assert found == {"a": CHOSEN["c"], "b": set(), "c": CHOSEN["a"], "d": CHOSEN["d"]}


def test_a_class_explanation_is_the_same_for_all_images_of_a_class() -> None:
    made = changes.class_explanation([row("a"), row("b"), row("c", kind="simple")], LABELS, CONCEPTS)
    assert made[0].text == made[1].text == "The bird shows brown, so it is wren."
    assert made[2].text == "It is c."


def test_the_base_s_own_explanation_gets_the_label() -> None:
    rows = [row("a", text="It shows x, so it is a wild bird."), row("b", text="No."), row("d", finish_reason="length")]
    assert [one.text for one in changes.own_explanation(rows, LABELS)] == ["It shows x, so it is wren."]


def test_blind_selection_keeps_how_many_and_forgets_which() -> None:
    many = [changes.random_concepts(CONCEPTS, seed) for seed in range(20)]
    assert all({id_: len(c) for id_, c in chosen(rows).items()} == {"a": 1, "b": 2, "c": 2, "d": 1} for rows in many)
    assert len({frozenset(chosen(rows)["a"]) for rows in many}) == 3


def test_another_image_s_concepts_are_of_the_same_class_and_not_one_s_own() -> None:
    found = chosen(changes.other_image_concepts(CONCEPTS, LABELS, seed=0))
    wrens = ("a", "b", "c")
    assert Counter(frozenset(found[i]) for i in wrens) == Counter(frozenset(CHOSEN[i]) for i in wrens)
    assert all(found[i] != CHOSEN[i] for i in wrens)
    assert found["d"] == CHOSEN["d"]


def test_the_first_fit_sample_is_kept_whatever_its_score() -> None:
    rows = [
        row("a", sample=0, kept=False, reason="no_label"),
        row("a", sample=1, kept=False, reason="lower_score"),
        row("a", sample=2, reason="best"),
        row("b", sample=0, kept=False, reason="no_label"),
    ]
    assert [(one.example_id, one.sample, one.kept) for one in changes.first_sample(rows)] == [("a", 1, True)]


def test_shuffled_labels_leave_their_counts_and_the_test_split() -> None:

    examples = [example(str(k), str(k % 5), "train") for k in range(50)] + [example("t", "0", "test")]
    made = changes.shuffled_labels(examples, seed=3)
    assert made[-1] == examples[-1]
    assert Counter(one.label for one in made) == Counter(one.label for one in examples)
    assert sum(one.label != before.label for one, before in zip(made, examples, strict=True)) > 25


def test_levelled_pairs_are_as_many_as_wanted_and_only_kept_ones() -> None:
    rows = [row(image, k) for image in "abc" for k in range(2)] + [row("d", kept=False)]
    for count in (1, 4, 6, 9):
        made = changes.levelled(rows, count, seed=5)
        assert len(made) == count
        assert {(one.example_id, one.question_id) for one in made} <= {(r.example_id, r.question_id) for r in rows[:6]}
