"""What speaks against a concept, by its words alone: it gives the class away, says what no picture shows, or is no
short phrase. Pure; knows no embedding."""

import re
from collections.abc import Iterable
from typing import Literal

from shared.concepts.labels import plain

Fault = Literal["empty", "too_long", "too_short", "gives_away", "not_visual"]
_MOST_CHARACTERS = 200

# Words of a class's name that describe rather than name: a concept may use them.
_PLAIN_WORDS = frozenset(
    """black white red blue green yellow brown grey gray orange pink purple violet golden gold silver buff rufous olive
    chestnut cream tan bronze bronzed crimson scarlet indigo cinnamon dark light bright pale dull glossy shiny matt
    spotted striped streaked barred banded speckled mottled scaly plain colored coloured painted tipped ringed lined
    big small large little tiny great greater lesser least long short tall wide broad narrow thin thick slender slim
    round rounded pointed sharp blunt curved straight hooked flat raised smooth rough fuzzy fluffy curly wavy hairless
    head headed face faced bill billed beak neck necked throat throated breast breasted belly bellied back backed wing
    winged wings tail tailed rump crown crowned crest crested cap capped leg legged legs foot footed feet toe toed
    eye eyed eyes eyebrow ear eared chin cheek cheeked nape side sided shoulder leaf leaves stem root flower fruit skin
    nose cockpit engine engined body coat coated haired hair fur furred coat paw muzzle
    and or of the a an with in on at from to for by like type kind north south east west northern southern eastern
    western upper lower common other non""".split()
)
_NOT_VISUAL = re.compile(
    r"""\b(?:
    (?:endangered|threatened|vulnerable|extinct|extinction|conservation|iucn|protected|rare|common(?:ly)?|popular|famous
      |populations?|social|friendly|monogamous|territorial|aggressive|intelligent|playful|shy|curious|loyal|gentle)
    |weigh(?:s|t|ing|ed)?|kg|kilograms?|grams?|lbs?|pounds?|ounces?|tons?|tonnes?
    |lifespan|life\ expectancy|lives?\ (?:up|for|in|on|near)|years?|centur(?:y|ies)|months?|season(?:al|s)?|age[sd]?
    |diets?|feeds?|feeding|eats?|eating|preys?|hunts?|hunting|forag(?:e|es|ing)|insects?|catch(?:es|ing)?
    |nests?|nesting|breed(?:s|ing)?|lays?\ eggs?|eggs?|parents?|chicks|offspring|mates?|mating|young|courtship
    |migrat\w+|migrants?|residents?|ranges?\ (?:of|across|in|through\w*|over|includes?)|its\ range|habitats?|native|endemic|inhabits?|found\ (?:in|on|at|near|through\w*|only|from)
    |(?:coastal|open|wooded|wet)\ (?:areas?|habitats?)|(?:this|the|arctic|tropical|mountain\w*)\ regions?|regions?\ of|worldwide|(?:north|south|central)\ (?:america|africa|asia)
    |calls?|calling|songs?|sings?|singing|sounds?|vocal\w*|noise|loud|quiet|whistles?|voice|smells?|scent|taste
    |genus|famil(?:y|ies)|subspecies|scientific|latin|named|known\ (?:as|for)|closely\ related|relatives?
    |benign|malignant|cancer\w*|treat(?:ed|ment|ments|able)?|therap(?:y|ies)|surgery|surgical|symptoms?|pain(?:ful)?|itch\w*
    |caused?|causes|risks?|diagnos\w+|biops\w+|contagious|infectious|genetic|heredit\w+|patients?|sun\ exposure|sunscreen
    |passengers?|seats?|seating|crew|pilots?|airlines?|operators?|manufactur\w+|designed|built|produced|introduced|retired
    |delivered|entered\ service|first\ (?:flew|flown|flight)|flew|served?|serves|service|certified|approved|capable|capacity
    |speed|mph|km/?h|knots|mach|altitude|ceiling|thrust|fuel|reliable|efficient|efficiency|cost|price[sd]?|travel|avionics
    |fast|popularity|used\ (?:for|by|as|in|to)|history|historic\w*|accidents?|take-?off\ weight|kilomet(?:er|re)s?|nautical
    )\b
    |\b\d[\d.,\ -]*\s*(?:inch(?:es)?|in(?=$|[.,;)])|cm|mm|m|ft|feet|foot|met(?:er|re)s?|centimet(?:er|re)s|miles?)\b
    |\b(?:1[789]|20)\d\d\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def says_unseen(concept: str) -> bool:
    """Whether the words tell of weight, behaviour, place, sound, use, history or treatment: no picture shows them."""
    return bool(_NOT_VISUAL.search(concept))


class GivesAway:
    """Whether a concept names its own class: by the whole name or an alias, or by a word of it that is no plain word of
    looks ("albatross-like"). `nouns` are what all images show ("skin lesion"): their words betray nothing."""

    def __init__(self, names: Iterable[str], noun: str = "") -> None:
        self._phrases = {f" {phrase} " for name in names if len(phrase := plain(name)) > 1}
        common = {_stem(word) for word in plain(noun).split()} | {_stem(word) for word in _PLAIN_WORDS}
        words = {word for phrase in self._phrases for word in phrase.split()}
        self._stems = {_stem(w) for w in words if len(w) > 2 and not (w.isdigit() and len(w) < 3)} - common

    def __call__(self, concept: str) -> bool:
        said = plain(concept)
        return any(phrase in f" {said} " for phrase in self._phrases) or not self._stems.isdisjoint(
            map(_stem, said.split())
        )


def length_fault(concept: str, most_words: int) -> Fault | None:
    """Concepts without a letter are too short, whatever their length."""
    if not any(character.isalpha() for character in concept):
        return "too_short" if concept else "empty"
    if len(concept) < 3:
        return "too_short"
    return "too_long" if len(concept.split()) > most_words or len(concept) > _MOST_CHARACTERS else None


def _stem(word: str) -> str:
    """A word without its ending, roughly: singular and plural come to the same ("keratosis", "keratoses")."""
    bare = word.rstrip("aeiouys")
    return bare if len(bare) >= 3 else word
