"""Whether an answer rejects a class that it mentions: `no signs of X`, `not a X`, `unlike X`, `X is ruled out`. Pure.

A trigger rejects what follows it within a few words and the same clause (the idea of the NegEx rules for medical
reports). What an answer only leaves open (`cannot rule out X`, `X cannot be excluded`) it does not name either, as with
`I cannot tell whether it is X`. Knows no class names; it is given the places where names stand.
"""

import re
from collections.abc import Sequence

_WINDOW_WORDS = 8
_WINDOW_LETTERS = 200  # what is further away is not looked at, so that long answers cost no more than their length

_NOT = r"(?:not(?:\ at\ all)?|\w+n['’]t|cannot|never)"
_SIGN = r"(?:signs?|evidence|indications?|features?|findings?|hints?|proof|traces?)"
_IT_IS = r"""(?:(?:\ that|\ whether|\ if|\ for|\ of)?\ (?:this|it|these|there|the\ \w+)(?:['’]s|(?:\ \w+)?
  \ (?:is|are|was|shows?|looks|seems|suggests?|indicates?|to\ be|being|as|(?:could|can|would|may|might)\ be)))"""
_SUGGEST = r"(?:(?:suggest|indicat|identif|confirm|mean|point)\w*|makes?\ (?:this|it|the\ \w+))"
_CHANCE = r"(?:probability|likelihood|chance|possibility|suspicion)"
_LITTLE = r"(?:low|little|small|slim|remote|minimal|negligible)"
_HELD = rf"""(?:{_SIGN}|{_CHANCE}|think|believe|consider|expect|say|like|sure|certain|clear|convinced|confident|likely
  |possible|appear|seem|tell|know|see|be|way|reason)"""
_ALONE = r"(?!\ (?:and|or|as|given|due|for|from|with)\b)"
_PLACE = r"(?:\ here|\ (?:in|on|at|within)(?:\ \w+){1,4}?)"
_SEEN = r"""(?:present|seen|visible|likely|evident|apparent|detected|found|shown|identified|observed|noted|demonstrated
  |confirmed|supported|suggested|suspected|correct|right|it|this|possible|the\ (?:case|answer|right|correct)|what)"""

# Looks like a negation and is none: these are passed over.
_PSEUDO = rf"""
    (?:{_NOT}|no|none|nothing|unlikely|hardly)(?:\ \w+){{0,4}}?\ (?:other|anything)(?:\ \w+){{0,2}}?\ (?:than|but)
  | (?:no|little)\ (?:doubt|question|mistaking|denying) | without\ (?:a\ |any\ )?(?:doubt|question)
  | (?:{_NOT}|no\ reason\ to|impossible\ to)\ (?:doubt|question|deny|miss|overlook|hesitate|fail)
  | no\ (?:better|clearer|stronger)\ {_SIGN}
  | not\ (?:only|just|merely|simply|surprisingly|unlike|unlikely) | no\ longer\ in\ doubt | nothing\ but
  | it(?:\ is|['’]s)\ not\ (?:the|its)(?:\ \w+){{1,2}}?\ (?:that|which)
"""
# Of these the first few may be followed by a clause of their own: "I doubt that it is ...".
_TRIGGER = rf"""
    (?: doubt(?:ful)? | {_LITTLE}\ {_CHANCE}
      | (?:unlikely|improbable|impossible){_ALONE}(?:\ to\ (?!the\b)\w+)?
      | (?:{_NOT}(?:\ be|\ able\ to)?(?:\ \w+ly)?|nothing(?:{_PLACE}|\ \w+)?
         |(?:no|none\ of)(?:\ (?!and\b|but\b)\w+){{0,2}}?\ {_SIGN}{_PLACE}?)
          (?:\ that)?\ {_SUGGEST}
      | {_NOT}\ (?:call|label|classify|describe)(?:\ (?:this|it))?
      | neither(?:\ \w+){{1,2}}?\ (?:shows?|{_SUGGEST})
      | rul(?:e|es|ed|ing)\ out | exclud(?:e|es|ed|ing) ){_IT_IS}?
  | hardly | {_NOT} | no | non | none\ of | without | neither | nor | nothing | anything\ but | fail(?:s|ed)?\ to
  | rather\ than | instead\ of | unlike | other\ than | as\ opposed\ to | in\ contrast\ to
  | absence\ of | free\ (?:of|from) | lack(?:s|ing)?(?:\ of)? | absent{_ALONE} | negative\ for
  | unable\ to | inconsistent\ with | (?:argu\w+|speaks?|evidence)\ against
  | differ(?:s|ent|ing)?\ (?:from|to|than) | (?:distinct|distinguish\w*)(?:\ \w+){{0,3}}?\ from
  | similar\ to | compared\ (?:to|with) | (?:confused|mistaken)\ (?:with|for)
"""
# Between trigger and name these join the two, though words that end a rejection stand in them.
_BRIDGE = rf"""
    (?:{_HELD}|{_SIGN}{_PLACE}){_IT_IS} | {_SIGN}{_PLACE}\ (?:of|for)
  | (?:(?:in|on|at|within)(?:\ \w+){{1,4}}?\ |(?:is|are|was|were)\ {_SEEN}\ )?
      (?:to|that|(?:that|which)\ (?:would|could|might|may))\ (?:suggest|indicat)\w*{_IT_IS}?
"""
_END_WORDS = r"""(?:but|however|though|although|yet|except|because|since|so|thus|therefore|hence|while|whereas|which|who
  |is|are|was|were|'s|indicates?|suggests?|means|makes?|making|confirms?|points|identif\w+|shows
  |it|this|these|in|on|at|by|rather\ than|instead|and\ (?:i|that)|(?:more|most)\ likely)"""
_END = rf"[.;:!?()\n—–,] | \s-\s | \b{_END_WORDS}\b"
_SCAN = re.compile(
    rf"""(?P<pseudo>\b(?:{_PSEUDO})\b) | (?P<trigger>\b(?:{_TRIGGER})(?![^\W_])) | (?P<bridge>\b(?:{_BRIDGE})(?![^\W_]))
    | (?P<end>{_END})""",
    re.VERBOSE,
)

_ADVERBS = r"(?:(?:very|most|more|quite|thus|(?!(?:only|merely|simply|solely|previously|initially)\b)\w+ly)\ ){0,2}"
_GONE = r"(?:unlikely|less\ likely|improbable|impossible|absent|ruled\ out|excluded|wrong|incorrect|negative)"
_REJECTED = rf"(?:not\ (?:being\ )?{_ADVERBS}{_SEEN} | {_GONE})"
_BE = r"(?:is|are|was|were|seems?|appears?|looks|remains?|(?:can|could|would|may|might)\ be|ha(?:s|ve)\ been)"
_BE_NOT = r"""(?:(?:(?:is|are|was|were|do|does|did|can|could|has|have)(?:\ ?not|n['’]t)|can['’]t)
  (?:\ be|\ been|\ (?:appear|seem)(?:\ to\ be)?)?)"""
_NO = r"no(?!\ (?:doubt|question))"
# Without a verb it is said of the name only at a clause's end: "pneumonia absent effusion" is pneumonia.
_CLAUSE_ENDS = r"""(?=\s*(?:$|[^\w\s\-]|-\s|(?:in|on|at|from|here|by|based|and|but|or|as|given|because|with|within|this
  |due|to\ be)\b))(?![^.;:!?\n]{0,30}\b(?:prior|previous\w*|earlier|before)\b)"""
_AFTER = re.compile(
    rf"""[\s"'*_]*(?:signs?\ |features?\ )?
    (?: {_BE}\s+{_ADVERBS}{_REJECTED} | {_BE_NOT}\ {_ADVERBS}(?:{_SEEN}|ruled\ out|excluded)
      | (?<!\n)(?:[:(–—]\s*|-\s)?{_ADVERBS}{_REJECTED}{_CLAUSE_ENDS}
      | \?\s*(?:{_NO}|not|{_ADVERBS}unlikely) | :\s*(?:{_NO}|absent|negative) | (?::|\ -)\s*none )(?![^\W_])""",
    re.VERBOSE,
)
_CHANCE_OF = re.compile(rf"\b{_CHANCE}\ (?:of|for|that)(?:\ \w+){{0,3}}?\ $")
_IS_LITTLE = re.compile(rf"\s(?:is|seems|appears|remains)\ {_ADVERBS}{_LITTLE}\b")
# After a comma a rejection goes on only in a list that has an `or`/`nor`: "no effusion, scar or pneumonia".
_ITEM = rf"(?:\s*(?!{_END_WORDS}\b)[\w\-]++){{0,4}}?"
_LIST = re.compile(rf",{_ITEM}(?:,{_ITEM}){{0,8}},?\s*\b(?:or|nor)\b", re.VERBOSE)
_JOINED = re.compile(r"[,/]|\b(?:or|nor|and)\b")


def is_rejected(text: str, start: int, end: int, names: Sequence[tuple[int, int]]) -> bool:
    """Whether the name at text[start:end] (folded text) is rejected or only left open. `names` are the places of all
    names: what stands inside one (a class called "no tumour") is no trigger."""
    return _is_rejected_after(text, start, end) or _is_rejected_before(text, start, names)


def _is_rejected_after(text: str, start: int, end: int) -> bool:
    if _AFTER.match(text, end):
        return True
    return bool(_IS_LITTLE.match(text, end) and _CHANCE_OF.search(text, max(0, start - _WINDOW_LETTERS), start))


def _is_rejected_before(text: str, start: int, names: Sequence[tuple[int, int]]) -> bool:
    trigger_end: int | None = None
    first = max(0, start - _WINDOW_LETTERS)
    near = [(begin, end) for begin, end in names if first <= end and begin <= start]
    for match in _SCAN.finditer(text, first, start):
        if any(begin <= match.start() < end for begin, end in near):
            continue
        if match["trigger"]:
            trigger_end = match.end()
        elif match["bridge"]:
            continue
        elif trigger_end is not None and not (match["end"] == "," and _is_in_list(text, match.start(), start)):
            trigger_end = None
    return trigger_end is not None and _reaches(text, trigger_end, start, near)


def _is_in_list(text: str, comma: int, start: int) -> bool:
    """Whether the name at `start` is one of the things listed from the comma on, the one after `or` being the last."""
    listed = _LIST.match(text, comma)
    return listed is not None and "," not in text[listed.end() : start]


def _reaches(text: str, trigger_end: int, start: int, names: Sequence[tuple[int, int]]) -> bool:
    """Not over too many words, and past another name only where the two are joined: `unlike a wren the kite ...`."""
    if len(text[trigger_end:start].split()) > _WINDOW_WORDS:
        return False
    between = [end for begin, end in names if trigger_end <= begin < start and end <= start]
    return not between or bool(_JOINED.search(text, max(between), start))
