"""Names for the lessons: hard enough that the model has to copy them, and never one of the world's species.

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
_ONSETS = _words("b br c ch d dr f fl g gr h j k kr l m n p pr qu r s sh st t th tr v w z")
_VOWELS = _words("a e i o u ae ia or el an er in ol ar en")
_CODAS = ["", "", *_words("n r s l k th m x t nd ck v")]


def random_name(rng: random.Random) -> str:
    """A two-word name, half of them with invented words; now and then lower case, one word or with a number."""
    known = species()
    while True:
        name = _two_words(rng)
        if rng.random() < 0.1:
            name = rng.choice((name.lower(), name.split()[0], f"{name.split()[1]} {rng.randrange(10, 1000)}"))
        if name not in known:
            return name


def _two_words(rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        return f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}"
    if draw < 0.75:
        return f"{rng.choice(_FIRST)} {_invented(rng)}"
    return f"{_invented(rng)} {_invented(rng)}"


def _invented(rng: random.Random) -> str:
    opening = rng.choice(_ONSETS) + rng.choice(_VOWELS)
    return (opening + rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)).capitalize()
