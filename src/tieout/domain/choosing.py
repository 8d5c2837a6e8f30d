"""What was probably meant by a word that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_folded = {each.casefold(): each for each in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def choose(word: str, known: Iterable[str]) -> str:
    """What to write in place of an unknown word."""
    words = sorted(set(known))
    meant = nearest(word, words)
    if meant is not None:
        return f"Did you mean “{meant}”?"
    return f"Say one of: {', '.join(words)}." if words else "Leave it out."
