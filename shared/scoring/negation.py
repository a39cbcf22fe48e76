"""Whether an answer rejects a class that it mentions: `no signs of X`, `not a X`, `unlike X`, `X is ruled out`. Pure.

A trigger rejects what follows it within a few words and the same clause (the idea of the NegEx rules for medical
reports). Knows no class names; it is given the places where names stand.
"""

import re
from collections.abc import Sequence

_WINDOW_WORDS = 8

# Looks like a negation and is none: these are passed over.
_PSEUDO = r"""
    (?:none|no|nothing)\ other\ than | no\ (?:doubt|question|mistaking) | without\ (?:a\ |any\ )?(?:doubt|question)
  | not\ (?:only|just|merely|simply|surprisingly|unlike) | no\ longer\ in\ doubt | nothing\ but
"""
_TRIGGER = r"""
    (?:do(?:es)?|did|can|could|would)?\s?(?:not|n['’]t)
        \ (?:think|believe|say|suggest|mean|sure|certain|clear|appear|seem)
        (?:\ that|\ whether|\ if)?\ (?:this|it|the\ \w+)(?:\ \w+)?\ (?:is|was|shows|looks|seems|could\ be|can\ be)
  | not | \w+n['’]t | cannot | no | non | without | neither | nor | never | nothing
  | rather\ than | instead\ of | unlike | other\ than | as\ opposed\ to | in\ contrast\ to
  | absence\ of | free\ (?:of|from) | lack(?:s|ing)?(?:\ of)? | absent | negative\ for
  | rul(?:e|es|ed|ing)\ out | exclud(?:e|es|ed|ing)
  | differ(?:s|ent|ing)?\ (?:from|to|than) | (?:distinct|distinguish\w*)(?:\ \w+){0,3}?\ from
  | similar\ to | compared\ (?:to|with) | (?:confused|mistaken)\ (?:with|for)
"""
_END = r"""
    [.;:!?()\n—–,] | \s-\s
  | \b(?:but|however|though|although|yet|except|because|since|so|thus|therefore|hence|while|whereas|which|who
      |is|are|was|were|'s|(?<!to\ )(?:indicates?|suggests?)|means|makes?|making|confirms?|points|identif\w+|shows
      |it|this|these|in|on|at|by|rather\ than|instead)\b
"""
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
     | :\s*(?:no|absent|negative) )(?![^\W_])""",
    re.VERBOSE,
)
# After a comma a rejection goes on only in a list that ends in `or`/`nor`: "no effusion, scar or pneumonia".
_LIST = re.compile(r",(?:\s*[\w\-]+){0,4}?(?:,(?:\s*[\w\-]+){0,4}?)*,?\s*(?:or|nor)\b[^,]*$")


def is_rejected(text: str, start: int, end: int, names: Sequence[tuple[int, int]]) -> bool:
    """Whether the name at text[start:end] (folded text) is rejected. `names` are the places of all names: what stands
    inside one (a class called "no tumour") is no trigger."""
    return bool(_AFTER.match(text, end)) or _is_rejected_before(text, start, names)


def _is_rejected_before(text: str, start: int, names: Sequence[tuple[int, int]]) -> bool:
    trigger_end: int | None = None
    for match in _SCAN.finditer(text, 0, start):
        if any(a <= match.start() < b for a, b in names):
            continue
        if match["trigger"]:
            trigger_end = match.end()
        elif match["end"] == "," and trigger_end is not None:
            if not _LIST.match(text[match.start() : start]):
                trigger_end = None
        else:
            trigger_end = None
    return trigger_end is not None and len(text[trigger_end:start].split()) <= _WINDOW_WORDS
