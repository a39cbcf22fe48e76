from services.trainer.packing.packs import Pack, packs_of
from services.trainer.token_pair import IGNORED, TokenPair

# An image of three tokens (7), then the question, then the answer.
IMAGE = (1, 7, 7, 7)


def pair(question: tuple[int, ...], answer: tuple[int, ...], image: str = "a") -> TokenPair:
    ids = (*IMAGE, *question, *answer)
    return TokenPair(image=image, ids=ids, prompt_length=len(ids) - len(answer))


SHORT = pair((20, 21, 9), (30, 2))
LONG = pair((20, 22, 23, 9), (31, 32, 2))


def test_image_and_words_before_the_questions_part_stand_once() -> None:
    [pack] = packs_of([SHORT, LONG], 100)
    assert pack.ids == [*IMAGE, 20, 21, 9, 30, 2, 22, 23, 9, 31, 32, 2]
    assert pack.branches == [0] * 5 + [1] * 4 + [2] * 6
    assert pack.length == len(pack.ids) == 15


def test_only_answers_are_learned() -> None:
    [pack] = packs_of([SHORT, LONG], 100)
    learned = [token for token in pack.labels if token != IGNORED]
    assert learned == [30, 2, 31, 32, 2]


def test_the_token_that_predicts_an_answer_belongs_to_its_branch() -> None:
    [pack] = packs_of([SHORT, pair((20, 21, 9), (40, 2))], 100)
    assert pack.shared == SHORT.prompt_length - 1
    assert pack.branches[pack.shared :] == [1, 1, 1, 2, 2, 2]


def test_pairs_of_different_images_share_nothing() -> None:
    packs = packs_of([SHORT, pair((20, 21, 9), (30, 2), "b"), LONG], 100)
    assert [pack.image for pack in packs] == ["a", "b", "a"]
    assert [len(pack.pairs) for pack in packs] == [1, 1, 1]


def test_a_long_pack_is_split_and_no_pair_is_lost() -> None:
    pairs = [SHORT] * 3 + [LONG] * 2
    packs = packs_of(pairs, 16)
    assert [one for pack in packs for one in pack.pairs] == pairs
    assert all(pack.length <= 16 for pack in packs)
    assert len(packs) == 3


def test_a_pair_longer_than_the_limit_stands_alone() -> None:
    assert packs_of([LONG, SHORT], 5) == [Pack((LONG,), 5), Pack((SHORT,), 5)]
