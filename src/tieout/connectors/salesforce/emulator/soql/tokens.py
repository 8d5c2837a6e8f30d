"""The words of a query with their places, and the vendor's way of pointing at the one that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tieout.connectors.salesforce.emulator.failures import Refusal, refusal

Kind = Literal["word", "string", "number", "moment", "bind", "symbol", "end"]

_PATTERN = re.compile(
    r"""(?P<space>\s+)
      | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
      | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<symbol><=|>=|<>|!=|[=<>(),:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One word; `at` is its offset in the query."""

    kind: Kind
    text: str
    at: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


def tokens(query: str) -> list[Token]:
    """Raises Refusal (MALFORMED_QUERY) for a character that begins no word."""
    found: list[Token] = []
    at = 0
    while at < len(query):
        match = _PATTERN.match(query, at)
        if match is None:
            if query[at] == "'":
                raise malformed(query, at, "line breaks not allowed in string literals or the string is not closed")
            raise malformed(query, at, f"unexpected token: '{query[at]}'")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "symbol", match.group(), at))  # pyright: ignore[reportArgumentType]
        at = match.end()
    found.append(Token("end", "<EOF>", len(query)))
    return found


def string_value(text: str, *, pattern: bool = False) -> str:
    r"""What a quoted string stands for; in a LIKE pattern `\%` and `\_` keep their backslash."""

    def unescaped(match: re.Match[str]) -> str:
        char = match.group(1)
        if pattern and char in "%_\\":
            return f"\\{char}"
        return _ESCAPES.get(char.lower(), char)

    return _ESCAPED.sub(unescaped, text[1:-1])


def malformed(query: str, at: int, message: str) -> Refusal:
    return wrong_at(query, at, "MALFORMED_QUERY", message)


def wrong_at(query: str, at: int, code: str, message: str) -> Refusal:
    """The vendor's error: the stretch of the query around the place, a caret beneath it, row and column, the reason."""
    start = max(0, at - 30)
    shown = query[start : at + 30].replace("\n", " ")
    row = query.count("\n", 0, at) + 1
    column = at - (query.rfind("\n", 0, at) + 1) + 1
    caret = " " * (at - start) + "^"
    return refusal(code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")
