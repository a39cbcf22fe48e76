"""The closed-set scorer, on the real label lists where there are some."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.scoring.labels import LabelScorer, contains_label

DOGS = LabelScorer(["collie", "Border collie", "golden retriever", "malamute", "Siberian husky"])
CHEST = LabelScorer(["NORMAL", "PNEUMONIA"])


@pytest.fixture(scope="module")
def variants(test_data: Path) -> list[str]:
    return (test_data / "fgvc-aircraft-2013b/data/variants.txt").read_text().splitlines()


def test_each_of_the_100_aircraft_variants_is_decided_as_itself(variants: list[str]) -> None:
    scorer = LabelScorer(variants)
    assert len(variants) == 100
    assert {v: scorer.decide(f"This is a {v}.") for v in variants} == {v: v for v in variants}


def test_an_answer_that_knows_nothing_names_no_variant_though_the_substring_rule_says_21_and_27(
    variants: list[str],
) -> None:
    scorer = LabelScorer(variants)
    for answer, by_substring in (("I do not know", 21), ("I am not sure", 27)):
        assert scorer.decide(answer) == "none"
        assert sum(contains_label(answer, v) for v in variants) == by_substring


def test_digits_are_kept() -> None:
    scorer = LabelScorer(["707-320", "737-400", "Fokker 50", "Fokker 70"])
    assert scorer.decide("a 707-320") == "707-320"
    assert not scorer.names("a 707-320", "737-400")
    assert scorer.decide("a 1737-400") == scorer.decide("a 737-4000") == scorer.decide("a Fokker") == "none"


@pytest.mark.parametrize(
    "answer", ["BORDER COLLIE!", "border_collie", "a border-collie.", "Border collies", "**Border\ncollie**"]
)
def test_case_punctuation_and_separators_do_not_matter(answer: str) -> None:
    assert DOGS.decide(answer) == "Border collie"


def test_the_class_folders_of_real_data_sets_are_names(test_data: Path) -> None:
    labels = [folder.name for folder in sorted((test_data / "pld/Images").iterdir())]
    scorer = LabelScorer(labels)
    assert all(scorer.decide(f"I see {label.replace('_', ' ')} here") == label for label in labels)


@pytest.mark.parametrize("answer", ["The chest is abnormal.", "The lungs are not normal.", "Non-normal findings"])
def test_abnormal_is_not_normal(answer: str) -> None:
    assert CHEST.decide(answer) == "none"


@pytest.mark.parametrize(
    "answer",
    [
        "There are no signs of pneumonia.",
        "No focal consolidation, effusion, or pneumonia.",
        "There is no evidence to suggest pneumonia.",
        "I don't think this is pneumonia.",
        "Pneumonia is unlikely.",
        "Pneumonia can be ruled out.",
        "It is free of pneumonia.",
        "This isn’t pneumonia",
    ],
)
def test_a_rejected_class_is_not_named(answer: str) -> None:
    assert CHEST.decide(answer) == "none"
    assert CHEST.decide(f"{answer} The chest is normal.") == "NORMAL"


@pytest.mark.parametrize(
    "answer",
    [
        "It is a malamute, not a Siberian husky.",
        "A malamute rather than a Siberian husky",
        "Unlike the Siberian husky, this is a malamute.",
        "It is not a Siberian husky but a malamute.",
        "None other than a malamute!",
        "With no red collar: a malamute.",
        "Without a doubt a malamute; it does not have blue eyes.",
        "The malamute has no white chest, which sets it apart.",
        "Unlike a Siberian husky the malamute has brown eyes.",
        "Siberian husky? No, a malamute.",
        "It is not a collie, golden retriever or Siberian husky, it is a malamute.",
        "No collie, Siberian husky, or golden retriever; a malamute.",
        "No, this is a malamute.",
    ],
)
def test_a_rejection_reaches_only_what_it_rejects(answer: str) -> None:
    assert DOGS.decide(answer) == "malamute"


def test_the_longest_name_wins() -> None:
    assert DOGS.decide("This is a Border collie.") == "Border collie"
    assert DOGS.decide("The Border collie is a herding collie.") == "Border collie"
    assert DOGS.decide("It is a collie, not a Border collie.") == "collie"


@pytest.mark.parametrize(
    "answer",
    [
        "collie, Border collie, golden retriever, malamute, Siberian husky",
        "a collie or a Border collie",
        "It is either a malamute or a Siberian husky.",
        "A malamute. Or perhaps a golden retriever.",
    ],
)
def test_listing_classes_wins_nothing(answer: str) -> None:
    assert DOGS.decide(answer) == "several"


def test_a_list_that_repeats_only_the_last_number_is_a_list() -> None:
    scorer = LabelScorer(["737-200", "737-300", "Fokker 50", "Fokker 70"])
    assert scorer.decide("a 737-200/300") == scorer.decide("a Fokker 50 or 70") == "several"


def test_an_alias_names_its_class() -> None:
    scorer = LabelScorer(["melanocytic nevi", "melanoma"], {"melanocytic nevi": ["mole", "nevus"]})
    assert scorer.decide("This is a harmless mole") == "melanocytic nevi"
    assert scorer.decide("a nevus or melanocytic nevi") == "melanocytic nevi"


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("Is this a collie, a malamute or a Siberian husky? It is a malamute.", "malamute"),
        ("What dog is it, a collie? Which features show it? A golden coat: a golden retriever.", "golden retriever"),
        ("Is it a collie or a malamute?", "several"),
        ("It is a collie. Or is it a malamute?", "several"),
        ("Is it a collie? It is a malamute or a Siberian husky.", "several"),
        ("Is it a collie? I cannot say.", "collie"),
    ],
)
def test_a_question_that_is_repeated_before_the_answer_names_nothing(answer: str, named: str) -> None:
    assert DOGS.decide(answer) == named


@pytest.mark.parametrize(
    "answer",
    [
        "I doubt that this is a malamute.",
        "Hardly a malamute.",
        "I cannot tell whether this is a malamute.",
        "It is doubtful that it is a malamute",
    ],
)
def test_a_doubt_names_nothing(answer: str) -> None:
    assert DOGS.decide(answer) == "none"


@pytest.mark.parametrize("answer", ["There is little doubt: a malamute.", "No other dog than a malamute."])
def test_the_denial_of_a_doubt_is_none(answer: str) -> None:
    assert DOGS.decide(answer) == "malamute"


_CLASSES = ("collie", "Border collie", "golden retriever", "malamute", "Siberian husky")
_SAYINGS = (
    "{}",
    "This is a {}.",
    "a {}, I think",
    "**{}**",
    "The answer:\n{}!",
    "{}s",
    "I would say it is a {} indeed.",
)
_DENIALS = (
    "It is not a {}.",
    "Unlike a {} it has no such tail.",
    "There is no sign of a {} here.",
    "A {} is unlikely.",
)


@settings(deadline=None)
@given(st.sampled_from(_CLASSES), st.sampled_from(_SAYINGS), st.sets(st.sampled_from(_CLASSES)), st.data())
def test_what_is_denied_beside_the_answer_changes_nothing(
    label: str, saying: str, denied: set[str], data: st.DataObject
) -> None:
    denials = [data.draw(st.sampled_from(_DENIALS)).format(other) for other in sorted(denied - {label})]
    assert DOGS.decide(" ".join([*denials, saying.format(label)])) == label
    assert DOGS.decide("\n".join([saying.format(label), *denials])) == label


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(_CLASSES), min_size=2, unique=True), st.sampled_from((", ", " or ", "/", ". ", "\n", "; "))
)
def test_no_list_of_several_classes_is_ever_one_of_them(labels: list[str], joint: str) -> None:
    answer = DOGS.decide(joint.join(labels))
    # Only `collie` beside `Border collie` may be a shorter word for the same dog.
    assert answer == "several" or (set(labels) == {"collie", "Border collie"} and answer == "Border collie")


def test_a_name_that_begins_with_no_is_not_a_rejection() -> None:
    scorer = LabelScorer(["no tumour", "tumour"])
    assert scorer.decide("There is no tumour.") == "no tumour"
    assert scorer.decide("There is a tumour.") == "tumour"


@settings(deadline=None)
@given(st.lists(st.text(max_size=6), max_size=4), st.text(max_size=30))
def test_any_text_is_decided_as_a_label_or_none_or_several(labels: list[str], text: str) -> None:
    scorer = LabelScorer(labels)
    for answer in (text, *labels, " ".join(labels), f"{text} {labels[0] if labels else ''}"):
        assert scorer.decide(answer) in {*labels, "none", "several"}


@settings(deadline=None)
@given(st.text("abcÉß℃ -.7", min_size=1, max_size=8).filter(lambda label: any(map(str.isalnum, label))))
def test_a_label_of_any_writing_is_found_in_a_sentence(label: str) -> None:
    assert LabelScorer([label]).decide(f"This could be «{label}» indeed.") == label


def test_labels_written_the_same_cannot_be_told_apart() -> None:
    assert LabelScorer(["C 1", "c-1"]).decide("It is C-1") == "several"
    assert LabelScorer(["++", "bird"]).decide("++ bird") == "bird"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    ["collie, ", "not a collie, ", "no a-b-c-d, ", "or ", "is not ", "- ", "737-", ", , no ", "a collie? ", "Border, "],
)
def test_a_long_answer_of_any_kind_is_decided_in_time(piece: str) -> None:
    assert DOGS.decide(piece * 500) in {"collie", "none"}
