"""What an answer rejects or leaves open, and what only looks like it, decided by the closed-set scorer."""

import pytest

from shared.scoring.labels import LabelScorer

CHEST = LabelScorer(["NORMAL", "PNEUMONIA"])
DOGS = LabelScorer(["malamute", "Siberian husky"], {"Siberian husky": ["husky"]})


@pytest.mark.parametrize(
    "answer",
    [
        "Pneumonia absent",
        "pneumonia not present",
        "pneumonia not identified",
        "pneumonia not seen",
        "Pneumonia very unlikely",
        "Pneumonia (absent)",
        "Pneumonia – not seen.",
        "Pneumonia: none",
        "Pneumonia? Unlikely.",
        "Pneumonia is not supported by the findings.",
        "Pneumonia has not been identified.",
        "Pneumonia does not appear to be present.",
        "Clear lungs make pneumonia unlikely.",
        "The probability of pneumonia is very low.",
        "The likelihood that this is pneumonia is low.",
    ],
)
def test_a_rejection_may_follow_the_name(answer: str) -> None:
    assert CHEST.decide(answer) == "none"


@pytest.mark.parametrize(
    "answer",
    [
        "I don't believe that it's pneumonia",
        "I am not convinced that this is pneumonia.",
        "I doubt it's pneumonia.",
        "I would not classify this image as pneumonia.",
        "There's no way this is pneumonia",
        "There is no evidence that this shows pneumonia",
        "The X-ray gives no indication that there is pneumonia.",
        "I see no reason to believe that this is pneumonia.",
        "It is highly unlikely that this is pneumonia.",
        "unlikely to be pneumonia",
        "This is unlikely pneumonia.",
        "Low probability of pneumonia",
        "There is only a small chance that it is pneumonia.",
    ],
)
def test_a_rejection_reaches_through_what_is_thought_of_it(answer: str) -> None:
    assert CHEST.decide(answer) == "none"


@pytest.mark.parametrize(
    "answer",
    [
        "No opacities or consolidations that suggest pneumonia",
        "No opacity which would suggest pneumonia.",
        "No opacities are seen to suggest pneumonia.",
        "No radiographic signs in the lungs of pneumonia",
        "There are no features in this image that indicate pneumonia.",
        "Nothing in this image suggests pneumonia.",
        "None of the findings suggest pneumonia.",
        "Neither lung shows pneumonia.",
        "The findings do not clearly indicate pneumonia.",
        "I cannot identify any pneumonia.",
        "Clear lungs argue against pneumonia.",
        "The image fails to show pneumonia.",
        "It is anything but pneumonia.",
    ],
)
def test_a_rejection_reaches_through_signs_and_what_they_suggest(answer: str) -> None:
    assert CHEST.decide(answer) == "none"


@pytest.mark.parametrize(
    "answer",
    [
        "cannot rule out pneumonia",
        "I can't exclude pneumonia.",
        "Pneumonia cannot be excluded",
        "Pneumonia can't be entirely ruled out.",
        "Pneumonia is not excluded.",
        "It cannot be ruled out that this is pneumonia.",
    ],
)
def test_what_is_only_left_open_is_not_named(answer: str) -> None:
    assert CHEST.decide(answer) == "none"
    assert CHEST.decide(f"{answer}. The chest is normal.") == "NORMAL"


@pytest.mark.parametrize(
    "answer",
    [
        "not only pneumonia but effusion",
        "Pneumonia is not only present but severe.",
        "no doubt it is pneumonia",
        "There is no question that this is pneumonia",
        "Is it pneumonia? No doubt.",
        "I do not doubt that this is pneumonia.",
        "There is no reason to doubt that this is pneumonia.",
        "It is impossible to deny that this is pneumonia.",
        "I'd not hesitate to say that this is pneumonia.",
        "It cannot be anything other than pneumonia.",
        "There is no clearer sign of pneumonia.",
        "Pneumonia is not unlikely.",
        "The probability of pneumonia is not low.",
        "High probability of pneumonia.",
    ],
)
def test_the_denial_of_a_rejection_is_none(answer: str) -> None:
    assert CHEST.decide(answer) == "PNEUMONIA"


@pytest.mark.parametrize(
    "answer",
    [
        "not present in the left lung, pneumonia is seen in the right",
        "Pneumonia not present in the left lung, pneumonia is seen in the right.",
        "Pneumonia is seen in the right lung, not in the left.",
        "Effusion is absent and pneumonia is present.",
        "Effusion is unlikely and pneumonia is likely.",
        "Pneumonia absent effusion.",
        "Pneumonia, effusion absent.",
        "Pneumonia\nNot seen: effusion",
        "Pneumonia (not possible to say more)",
        "Pneumonia is not absent.",
        "A pneumonia not seen on the prior film.",
        "Pneumonia not limited to the left lung.",
        "The absence of effusion suggests pneumonia.",
        "No effusion, which suggests pneumonia.",
        "No effusion is seen, and that suggests pneumonia.",
        "There is no effusion but findings suggest pneumonia.",
        "There is no effusion and the findings suggest pneumonia.",
        "The lungs do not have clear fields and I believe that it's pneumonia.",
        "The angle is absent due to pneumonia.",
        "There are no clear fields in this image of pneumonia.",
        "There are signs in the lungs of pneumonia.",
        "There is evidence that this shows pneumonia.",
    ],
)
def test_a_rejection_of_something_else_leaves_the_class_named(answer: str) -> None:
    assert CHEST.decide(answer) == "PNEUMONIA"


@pytest.mark.parametrize(
    "answer",
    [
        "It is not a husky; it is a malamute",
        "There's no way this is a husky, it's a malamute.",
        "I don't believe that it's a husky; I believe that it's a malamute.",
        "It is unlikely to be a husky and more likely a malamute.",
        "A husky is unlikely given the malamute's brown eyes.",
        "Husky very unlikely, malamute likely.",
        "Low probability of a husky, high probability of a malamute.",
        "Nothing suggests a husky; the tail suggests a malamute.",
        "It's not the coat that suggests a malamute but the tail.",
        "A malamute; a husky cannot be ruled out.",
        "The malamute is small.",
    ],
)
def test_of_two_classes_only_the_rejected_one_is_left_out(answer: str) -> None:
    assert DOGS.decide(answer) == "malamute"


@pytest.mark.parametrize("answer", ["There's no way this is a malamute", "Neither a malamute nor a husky."])
def test_nothing_is_left_where_all_is_rejected(answer: str) -> None:
    assert DOGS.decide(answer) == "none"


@pytest.mark.parametrize("answer", ["", " \n", "…"])
def test_an_empty_answer_names_nothing(answer: str) -> None:
    assert CHEST.decide(answer) == "none"
