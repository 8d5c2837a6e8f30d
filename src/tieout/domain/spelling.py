"""One id, several ways to write it: what somebody pastes is compared with every spelling of it."""

from __future__ import annotations

import re

_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_LONG = re.compile(r"[A-Za-z0-9]{18}")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def spellings(pasted: str) -> frozenset[str]:
    """Every text under which the pasted one may be stored, the pasted one among them (without outer blanks).

    A Salesforce id has a short form, in which case matters, and a long one, whose last three characters restore the
    case of the first fifteen. Business keys are written in capitals.
    """
    text = pasted.strip()
    found = {text, text.upper()}
    if _SHORT.fullmatch(text):
        found.add(text + case_suffix(text))
    elif _LONG.fullmatch(text) and set(text[15:].upper()) <= set(_SUFFIX):
        short = _with_case(text[:15], text[15:].upper())
        found |= {short, short + text[15:].upper()}
    return frozenset(found - {""})


def case_suffix(short: str) -> str:
    """The three characters that Salesforce appends: one per five, a bit for each capital letter."""
    return "".join(
        _SUFFIX[sum(1 << bit for bit, character in enumerate(short[first : first + 5]) if character.isupper())]
        for first in (0, 5, 10)
    )


def _with_case(short: str, suffix: str) -> str:
    capitals = [bool(_SUFFIX.index(suffix[place // 5]) >> place % 5 & 1) for place in range(15)]
    return "".join(
        character.upper() if capital else character.lower() for character, capital in zip(short, capitals, strict=True)
    )
