"""Takes money out of what somebody is told whose roles do not show it: amounts, rates, prices, in figures and in words.

What is not known to be something else is taken for money: a decimal goes, unless it stands under a name that says hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

MASK = "\N{EN DASH}"
TITLE = "Your role does not show money"
# ISO 4217, as texts name currencies.
_CODES = (
    "AED|ARS|AUD|BGN|BHD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JOD|JPY|KES|KRW|KWD|MAD|MXN|MYR|"
    "NGN|NOK|NZD|OMR|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|USD|UYU|VND|XXX|ZAR"
)
_FIGURE = r"[-\u2212]?\d(?:[\d,' \u00a0\u202f]*\d)?(?:\.\d+)?"
_WORDS = re.compile(rf"(?:[€$£¥₹]|\b(?:{_CODES}))\s?{_FIGURE}|{_FIGURE}\s?(?:[€$£¥₹]|(?:{_CODES})\b)")
# 1,350.00 in a text, but not a part of an address, a version or a time.
_DECIMAL = re.compile(r"(?<![\w:./\u2060-])[-\u2212]?\d[\d,]*\.\d{2,}(?![\w.:/-])")
_NUMERIC = re.compile(r"-?\d+(?:\.\d+)?")
# The last word of a field's name: what is no money though it is a decimal, and what is money though it is none.
_WORK = re.compile(
    r"(?:^|_)(hours|quantity|units|share|allowed|speed|left|calls|seconds|took|version|number|record|id)$"
)
_MONEY = re.compile(
    r"(?:^|_)(amount|rate|price|net|tax|total|open|paid|worth|budget|value|agreed|cap|fee|markup|discount|cost|expected|margin|pay|salary)$"
)


def in_words(text: str) -> str:
    """The text with a dash in place of every amount in it."""
    return _DECIMAL.sub(MASK, _WORDS.sub(MASK, text))


def without_money(told: Any) -> tuple[Any, list[str]]:
    """JSON with null in place of every amount, a dash where one stood in words, and the paths of both: `items[].rate`."""
    paths: dict[str, None] = {}
    return _masked(told, "", "", paths), list(paths)


def _masked(told: Any, path: str, name: str, paths: dict[str, None]) -> Any:
    if isinstance(told, Mapping):
        parts = cast("Mapping[str, Any]", told)
        if set(parts) == {"amount", "currency"}:
            paths[path] = None
            return None
        return {key: _masked(each, f"{path}.{key}" if path else key, key, paths) for key, each in parts.items()}
    if isinstance(told, Sequence) and not isinstance(told, str):
        return [_masked(each, f"{path}[]", name, paths) for each in cast("Sequence[Any]", told)]
    if told is None or isinstance(told, bool):
        return told
    kept = _shown(told, name)
    if kept != told:
        paths[path] = None
    return kept


def is_amount(name: str) -> bool:
    """Whether a field of this name is one of money."""
    return name.endswith("_minor") or _MONEY.search(name.rsplit(".", maxsplit=1)[-1]) is not None


def _shown(told: Any, name: str) -> Any:
    number = not isinstance(told, str) or _NUMERIC.fullmatch(told)
    if number and is_amount(name):
        return None
    if not number:
        return in_words(told)
    return None if "." in str(told) and not _WORK.search(name) else told
