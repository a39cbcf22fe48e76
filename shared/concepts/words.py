"""Words by what they tell of a thing: its looks, or what no picture shows. Our own lists, of no domain. Pure."""

COLOURS = (
    "black white red blue green yellow brown grey gray orange pink purple violet golden gold silver buff rufous olive "
    "chestnut cream tan bronze bronzed crimson scarlet indigo cinnamon dark light bright pale dull"
)
SHAPES = (
    "big small large little tiny great greater lesser least long short tall wide broad narrow thin thick slender slim "
    "round rounded pointed sharp blunt curved straight hooked flat raised smooth rough fuzzy fluffy curly wavy "
    "hairless glossy shiny matt spotted striped streaked barred banded speckled mottled scaly plain colored "
    "coloured painted tipped ringed lined ring stripe spot streak bar band speckle line tip"
)
PARTS = (
    "head headed face faced bill billed beak neck necked throat throated breast breasted belly bellied back backed "
    "wing winged wings tail tailed rump crown crowned crest crested cap capped leg legged legs foot footed feet toe "
    "toed eye eyed eyes eyebrow ear eared chin cheek cheeked nape side sided shoulder leaf leaves stem root "
    "flower fruit skin nose cockpit engine engined body coat coated haired hair fur furred paw muzzle"
)
JOINING = (
    "and or of the a an with in on at from to for by like type kind other non common up down north south east west "
    "northern southern eastern western upper lower"
)
NUMBERS = "no one two three four five six seven eight single double pair several many without"

# Each is a piece of a regular expression that stands between word borders.
UNSEEN = (
    # standing and temper
    r"endangered|threatened|vulnerable|extinct|extinction|conservation|iucn|protected|rare|common(?:ly)?|popular|famous",
    r"populations?|popularity|social|friendly|monogamous|territorial|aggressive|intelligent|playful|shy|curious|loyal",
    r"gentle",
    # weight, age, time
    r"weigh(?:s|t|ing|ed)?|kg|kilograms?|grams?|lbs?|pounds?|ounces?|tons?|tonnes?",
    r"lifespan|life expectancy|lives? (?:up|for|in|on|near)|years?|centur(?:y|ies)|months?|season(?:al|s)?",
    r"age[sd]?",
    # food and young
    r"diets?|feeds?|feeding|eats?|eating|preys?|hunts?|hunting|forag(?:e|es|ing)|insects?|catch(?:es|ing)?",
    r"nests?|nesting|breed(?:s|ing)?|lays? eggs?|eggs?|parents?|chicks|offspring|mates?|mating|young|courtship",
    # place
    r"migrat\w+|migrants?|residents?|ranges? (?:of|across|in|through\w*|over|includes?)|its range|habitats?|native",
    r"endemic|inhabits?|found (?:in|on|at|near|through\w*|only|from)",
    r"(?:coastal|open|wooded|wet) (?:areas?|habitats?)|(?:this|the|arctic|tropical|mountain\w*) regions?|regions? of",
    r"worldwide|(?:north|south|central) (?:america|africa|asia)",
    # sound, smell, touch
    r"calls?|calling|songs?|sings?|singing|sounds?|vocal\w*|noise|loud|quiet|whistles?|voice|smells?|scent|taste",
    # name and kin
    r"genus|famil(?:y|ies)|subspecies|scientific|latin|named|known (?:as|for)|closely related|relatives?",
    # medicine
    r"benign|malignant|cancer\w*|treat(?:ed|ment|ments|able)?|therap(?:y|ies)|surgery|surgical|symptoms?|pain(?:ful)?",
    r"itch\w*|caused?|causes|risks?|diagnos\w+|biops\w+|contagious|infectious|genetic|heredit\w+|patients?",
    r"sun exposure|sunscreen",
    # use, making, performance
    r"passengers?|seats?|seating|crew|pilots?|airlines?|operators?|manufactur\w+|designed|built|produced|introduced",
    r"retired|delivered|entered service|first (?:flew|flown|flight)|flew|served?|serves|service|certified|approved",
    r"capable|capacity|speed|mph|km/?h|knots|mach|altitude|ceiling|thrust|fuel|reliable|efficient|efficiency|cost",
    r"price[sd]?|travel|avionics|fast|used (?:for|by|as|in|to)|history|historic\w*|accidents?|take-?off weight",
    r"kilomet(?:er|re)s?|nautical",
)
MEASURES = (
    r"\b\d[\d.,\ -]*\s*(?:inch(?:es)?|in(?=$|[.,;)])|cm|mm|m|ft|feet|foot|met(?:er|re)s?|centimet(?:er|re)s|miles?)\b",
    r"\b(?:1[789]|20)\d\d\b",
)
