"""Hiding what an answer cites, and what the next answer makes of it."""

from bench.trials.hiding import Hidden, following, hidden_ones
from selfsynth.demo.world.attributes import MEANING
from selfsynth.demo.world.dataset import DrawnImage
from selfsynth.demo.world.measure import Truth
from selfsynth.demo.world.scene import Scene
from selfsynth.demo.world.twins import twins
from tests.bench.test_outcome import said

WREN = next(iter(twins().values()))
SCENE = Scene(WREN, frozenset({"tail"}), 7)
SEEN = {"t": Truth(WREN, SCENE.hidden, "wren")}
DRAWN = [DrawnImage("t", "wren", "wren", SCENE, True)]


def phrase(part: str) -> str:
    return next(words for words, meaning in MEANING.items() if meaning == (part, WREN[part]))


def test_a_part_that_was_cited_and_can_be_seen_is_hidden_too() -> None:
    rows = [said("t", "wren", "wren", f"A wren: {phrase('tail')}, {phrase('legs')}.")]
    [found] = hidden_ones(DRAWN, rows, SEEN, 5, seed=0)
    assert found.scene.hidden == {"tail", "legs"}
    assert found.others == frozenset()
    assert found.png.startswith(b"\x89PNG")


def test_pictures_of_which_nothing_is_cited_are_left_out() -> None:
    assert hidden_ones(DRAWN, [said("t", "wren", "wren", "A wren.")], SEEN, 5, seed=0) == []


def test_who_looks_lets_go_of_what_is_hidden_and_keeps_the_rest() -> None:
    legs, beak = ("legs", WREN["legs"]), ("beak", WREN["beak"])
    asked = [Hidden("t", SCENE, legs, frozenset({beak}), "wren")]
    looks = following(asked, [said("t", "wren", "wren", f"A wren: {phrase('beak')}.")])
    assert looks == {"lets_go": 1.0, "keeps": 1.0, "renames": 0.0}
    recites = following(asked, [said("t", "wren", "tit", f"A tit: {phrase('beak')}, {phrase('legs')}.")])
    assert recites == {"lets_go": 0.0, "keeps": 1.0, "renames": 1.0}


def test_nothing_asked_is_nothing_known() -> None:
    assert following([], []) == {"lets_go": None, "keeps": None, "renames": None}
