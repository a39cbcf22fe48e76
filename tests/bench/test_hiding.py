"""Hiding what an answer cites, and what the next answer makes of it."""

from bench.trials.hiding import Hidden, following, hidden_ones, png_of
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
    assert found.unrelated.hidden > {"tail"}
    assert "legs" not in found.unrelated.hidden
    assert png_of(found.scene).startswith(b"\x89PNG")
    assert png_of(found.scene) != png_of(found.unrelated)


def test_pictures_of_which_nothing_is_cited_are_left_out() -> None:
    assert hidden_ones(DRAWN, [said("t", "wren", "wren", "A wren.")], SEEN, 5, seed=0) == []


def test_who_looks_lets_go_of_what_is_hidden_and_keeps_the_rest() -> None:
    legs, beak = ("legs", WREN["legs"]), ("beak", WREN["beak"])
    asked = [Hidden("t", SCENE, SCENE, legs, frozenset({beak}), "wren")]
    without = [said("t", "wren", "wren", f"A wren: {phrase('beak')}.")]
    recited = [said("t", "wren", "tit", f"A tit: {phrase('beak')}, {phrase('legs')}.")]
    looks = following(asked, without, recited)
    assert (looks["lets_go"], looks["lets_go_unrelated"], looks["keeps"]) == (1.0, 0.0, 1.0)
    assert (looks["renames"], looks["renames_unrelated"]) == (0.0, 1.0)
    recites = following(asked, recited, without)
    assert (recites["lets_go"], recites["lets_go_unrelated"], recites["keeps"]) == (0.0, 1.0, 1.0)


def test_nothing_asked_is_nothing_known() -> None:
    assert set(following([], [], []).values()) == {None}
