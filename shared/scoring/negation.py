"""Whether an answer rejects a class that it mentions: `no signs of X`, `not a X`, `unlike X`, `X is ruled out`. Pure.

A trigger rejects what follows it within a few words and the same clause (the idea of the NegEx rules for medical
reports). Knows no class names; it is given the places where names stand.
"""

import re
from collections.abc import Sequence

_WINDOW_WORDS = 8
_WINDOW_LETTERS = 200  # what is further away is not looked at, so that long answers cost no more than their length

# Looks like a negation and is none: these are passed over.
_PSEUDO = r"""
    (?:none|no|nothing)\ other(?:\ \w+)?\ than | (?:no|little)\ (?:doubt|question|mistaking)
  | without\ (?:a\ |any\ )?(?:doubt|question)
  | not\ (?:only|just|merely|simply|surprisingly|unlike) | no\ longer\ in\ doubt | nothing\ but
"""
_TRIGGER = r"""
    (?:do(?:es)?|did|can|could|would)?\s?(?:not|n['’]t)
        \ (?:think|believe|say|suggest|mean|sure|certain|clear|appear|seem)
        (?:\ that|\ whether|\ if)?\ (?:this|it|the\ \w+)(?:\ \w+)?\ (?:is|was|shows|looks|seems|could\ be|can\ be)
  | (?:cannot|can\ not|can['’]t|could\ not|couldn['’]t)\ (?:tell|say|know|see)\ (?:that|whether|if)
        \ (?:this|it|the\ \w+)(?:\ \w+)?\ (?:is|was|shows)
  | doubt(?:ful)?(?:\ that|\ whether|\ if)?\ (?:this|it|the\ \w+)(?:\ \w+)?\ (?:is|was|shows) | doubt(?:ful)? | hardly
  | not | \w+n['’]t | cannot | no | non | without | neither | nor | never | nothing
  | rather\ than | instead\ of | unlike | other\ than | as\ opposed\ to | in\ contrast\ to
  | absence\ of | free\ (?:of|from) | lack(?:s|ing)?(?:\ of)? | absent | negative\ for
  | rul(?:e|es|ed|ing)\ out | exclud(?:e|es|ed|ing)
  | differ(?:s|ent|ing)?\ (?:from|to|than) | (?:distinct|distinguish\w*)(?:\ \w+){0,3}?\ from
  | similar\ to | compared\ (?:to|with) | (?:confused|mistaken)\ (?:with|for)
"""
_END_WORDS = r"""(?:but|however|though|although|yet|except|because|since|so|thus|therefore|hence|while|whereas|which|who
  |is|are|was|were|'s|(?<!to\ )(?:indicates?|suggests?)|means|makes?|making|confirms?|points|identif\w+|shows
  |it|this|these|in|on|at|by|rather\ than|instead)"""
_END = rf"[.;:!?()\n—–,] | \s-\s | \b{_END_WORDS}\b"
_SCAN = re.compile(
    rf"(?P<pseudo>\b(?:{_PSEUDO})\b)|(?P<trigger>\b(?:{_TRIGGER})(?![^\W_]))|(?P<end>{_END})", re.VERBOSE
)
_AFTER = re.compile(
    r"""[\s"'*_]*(?:signs?\ |features?\ )?
    (?:(?:is|are|was|were|seems?|appears?|looks|can\ be|could\ be|has\ been|would\ be|may\ be)\s+
         (?:very\ |highly\ |clearly\ |thus\ |therefore\ )?
         (?: (?:not|n['’]t)\ (?:present|seen|visible|likely|evident|detected|found|shown|correct|right|it|this|possible
              |the\ (?:case|answer|right|correct)|what)
           | unlikely | absent | ruled\ out | excluded | wrong | incorrect | impossible | negative )
     | (?:is|was)n['’]t\ (?:present|seen|visible|likely|it|the\ (?:case|answer)|right|correct)
     | (?:can|could)(?:\ ?not|n['’]t)\ be\ (?:seen|confirmed|found|it|right)
     | \?\s*(?:no|not) | :\s*(?:no|absent|negative) )(?![^\W_])""",
    re.VERBOSE,
)
# After a comma a rejection goes on only in a list that has an `or`/`nor`: "no effusion, scar or pneumonia".
_ITEM = rf"(?:\s*(?!{_END_WORDS}\b)[\w\-]++){{0,4}}?"
_LIST = re.compile(rf",{_ITEM}(?:,{_ITEM}){{0,8}},?\s*\b(?:or|nor)\b", re.VERBOSE)
_JOINED = re.compile(r"[,/]|\b(?:or|nor|and)\b")


def is_rejected(text: str, start: int, end: int, names: Sequence[tuple[int, int]]) -> bool:
    """Whether the name at text[start:end] (folded text) is rejected. `names` are the places of all names: what stands
    inside one (a class called "no tumour") is no trigger."""
    return bool(_AFTER.match(text, end)) or _is_rejected_before(text, start, names)


def _is_rejected_before(text: str, start: int, names: Sequence[tuple[int, int]]) -> bool:
    trigger_end: int | None = None
    first = max(0, start - _WINDOW_LETTERS)
    near = [(begin, end) for begin, end in names if first <= end and begin <= start]
    for match in _SCAN.finditer(text, first, start):
        if any(begin <= match.start() < end for begin, end in near):
            continue
        if match["trigger"]:
            trigger_end = match.end()
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
