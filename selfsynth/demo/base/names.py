"""Names and features for the lessons, so hard that the model has to copy them, and never one of the world's species.

Single words of the species' names may occur; the names do not.
"""

import random

from selfsynth.demo.world.species import species


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "Lesser Greater Northern Southern Painted Shadow Crescent Meadow River Island Desert Alpine Coastal Mountain "
    "Prairie Lunar Royal Hermit Velvet Copper Alder Misty Coral Bramble Opal Canyon Marsh Harbor Dapple Juniper Elder "
    "Glacier Willow Harvest Highland Lantern Mosswood Riverine Tundra Hollow Granite Cedar Autumn Winter Summit Valley"
)
_SECOND = _words(
    "Wren Finch Warbler Pipit Bunting Tanager Plover Sparrow Thrush Martin Starling Heron Curlew Tern Petrel Siskin "
    "Dipper Quillow Tarsin Venwick Morrow Fenlark Pellan Loomis Skerrit Drossel Kellin Sabot Whistel Bellin Corvane "
    "Falmer Gorrick Hesper Ilvane Jorrel Oakham Penrow Rastle Umber"
)
_THINGS = _words(
    "song nest reed egg river winter journey coast spring snail diet nature dawn flight call branch seed berry pond "
    "moss shore storm forest valley stone night summer feather neck back eye toe claw rump flank nape "
    "throat brow edge tip"
)
_KINDS = _words(
    "soft loud early late small large silent shy bold hidden narrow wide glossy dull pale rough smooth fine heavy "
    "light double broken curious lonely"
)
_ONSETS = _words("b br c ch d dr f fl g gr h j k kr l m n p pr qu r s sh st t th tr v w z")
_VOWELS = _words("a e i o u ae ia or el an er in ol ar en")
_CODAS = ["", "", *_words("n r s l k th m x t nd ck v")]


def random_name(rng: random.Random, invented: float = 0.5) -> str:
    """A two-word name, `invented` of them with made-up words; now and then lower case, one word or with a number."""
    known = species()
    while True:
        name = _two_words(rng, invented)
        if rng.random() < 0.1:
            name = rng.choice((name.lower(), name.split()[0], f"{name.split()[1]} {rng.randrange(10, 1000)}"))
        if name not in known:
            return name


def random_feature(rng: random.Random) -> str:
    """A phrase that no picture of this world shows, such as "a dull nest with two edges"; half with a made-up word."""
    kind = rng.choice(_KINDS) if rng.random() < 0.5 else _invented(rng).lower()
    thing, other = rng.choice(_THINGS), rng.choice(_THINGS)
    forms = (
        f"a {kind} {thing}",
        f"a {kind} {thing} on the {other}",
        f"{kind} {thing}s in the {other}",
        f"a {thing} of {kind} {other}s",
        f"{thing} and {other} in {kind}",
        f"{rng.choice(('one', 'two', 'four'))} {kind} {thing}s",
    )
    return rng.choice(forms)


def _two_words(rng: random.Random, invented: float) -> str:
    draw = rng.random()
    if draw < 1 - invented:
        return f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}"
    if draw < 1 - invented / 2:
        return f"{rng.choice(_FIRST)} {_invented(rng)}"
    return f"{_invented(rng)} {_invented(rng)}"


def _invented(rng: random.Random) -> str:
    opening = rng.choice(_ONSETS) + rng.choice(_VOWELS)
    return (opening + rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)).capitalize()
