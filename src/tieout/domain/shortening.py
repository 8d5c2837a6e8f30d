"""Names that are longer than a target takes: one rule, the same short name every time, and never two in one (T02)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tieout.domain.identity import spelled

_MARK = 6
_JOINER = "\u200d"
# What a name must not end with once its last words are gone.
_LOOSE = " -\u2013\u2014&+,;:/|(["


def width(text: str) -> int:
    """Characters as the strictest target counts them, in UTF-16: one beyond the basic plane counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(name: str, most: int, *, apart: str = "") -> str:
    """The name in at most `most` characters; one that fits is left as it is.

    Whole words are kept, from the left; a first word that is too long is cut between characters as people see them, and
    where not even one of these fits, a mark stands for the name.
    `apart` is the business key of a record whose short name another one has already: it ends with a mark of its own.
    Raises ValueError where nothing fits.
    """
    if most < 1:
        raise ValueError(f"no name fits into {most} characters")
    if width(name) <= most:
        return name
    whole = unicodedata.normalize("NFC", " ".join(name.split()))
    if not apart:
        return whole if width(whole) <= most else _words(whole, most)
    mark = spelled(name, apart)[:_MARK]
    room = most - len(mark) - 2
    return f"{_words(whole, room)} #{mark}" if room > 0 else mark[:most]


def cut(text: str, most: int) -> str:
    """Prose in at most `most` characters, an ellipsis where it ends early."""
    return text if width(text) <= most else f"{_characters(text, most - 1).rstrip()}…"


def folded(name: str) -> str:
    """Two names that people would take for one are equal in this form."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _words(name: str, most: int) -> str:
    kept = ""
    for word in name.split(" "):
        longer = f"{kept} {word}" if kept else word
        if width(longer.rstrip(_LOOSE)) > most:
            break
        kept = longer
    return kept.rstrip(_LOOSE) or _characters(name, most).rstrip() or spelled(name)[:most]


def _characters(text: str, most: int) -> str:
    kept, used = "", 0
    for each in _as_seen(text):
        used += width(each)
        if used > most:
            break
        kept += each
    return kept


def _as_seen(text: str) -> Iterator[str]:
    """A letter with its accents, a picture with its colour and its companions, both halves of a flag."""
    seen = ""
    for each in text:
        if seen and not _belongs(seen, each):
            yield seen
            seen = ""
        seen += each
    if seen:
        yield seen


def _belongs(before: str, character: str) -> bool:
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or character == _JOINER or before.endswith(_JOINER):
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff":
        return True
    return len(before) == 1 and _half_a_flag(before) and _half_a_flag(character)


def _half_a_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
