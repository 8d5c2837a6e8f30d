"""Record ids as Salesforce makes them: a key prefix, a counter in base 62, and a checksum that survives lost capitals."""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(id15: str) -> str:
    """The three letters that make a case-sensitive id of 15 characters safe in systems that ignore case.

    Each letter tells which of five characters are capitals, the first character in the lowest bit.
    """
    letters: list[str] = []
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(id15[start : start + 5]) if "A" <= char <= "Z")
        letters.append(_CHECK[bits])
    return "".join(letters)


def full_id(text: str) -> str | None:
    """The id of 18 characters for either length, or None where the text is no id.

    The checksum repairs the capitals of an 18-character id, as the vendor does.
    """
    if not text.isascii() or not text.isalnum():
        return None
    if len(text) == 15:
        return text + checksum(text)
    if len(text) != 18:
        return None
    return _repaired(text)


def _repaired(text: str) -> str | None:
    body: list[str] = []
    for chunk, letter in zip((text[0:5], text[5:10], text[10:15]), text[15:].upper(), strict=True):
        bits = _CHECK.find(letter)
        if bits < 0:
            return None
        for place, char in enumerate(chunk):
            body.append(char.upper() if bits >> place & 1 else char.lower())
    return "".join(body) + text[15:].upper()


def base62(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text.rjust(width, "0")


def new_id(key_prefix: str, pod: str, number: int) -> str:
    """The `number`th id (18 characters) of an object on the instance named by the two characters of `pod`."""
    id15 = f"{key_prefix}{pod}0000{base62(number, 6)}"
    return id15 + checksum(id15)


def pod_of(seed: int) -> str:
    """The instance part of every id, so that two orgs with different seeds never share an id."""
    return base62(seed % (62 * 62), 2)
