"""How long a text may be in a target, text by text of each operation, and where that is known from (T02)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast


class Text(Enum):
    """What may be done with a text that is too long."""

    NAME = "shortened by the one rule, and its full form kept"
    PROSE = "cut, because the hub shows all of it"
    EXACT = "nothing: a number or an address with a piece missing is another one"


@dataclass(frozen=True, slots=True)
class Length:
    """`field` is the text's place in the body of a write: `tasks.name` is the name of each task.

    `most` counts characters; None says that the target takes texts of any length. `source` is where that is known from,
    and `verified` is False where the vendor tells nothing and `most` is only what is assumed. `owner` corrects a text
    that is too long at its source. `full` says where the target keeps the full form of a shortened name.
    """

    field: str
    most: int | None
    text: Text
    source: str
    verified: bool = True
    owner: str = "the integration engineer"
    full: str = ""

    def of(self, body: Mapping[str, Any]) -> list[str]:
        """The texts of a body that this is about."""
        found: list[Any] = [body]
        for step in self.field.split("."):
            found = [value for each in found for value in _below(each, step)]
        return [str(each) for each in found if each is not None]


def unlimited(source: str, *fields: str) -> tuple[Length, ...]:
    """Texts that the target takes whole, whatever their length."""
    return tuple(Length(each, None, Text.EXACT, source) for each in fields)


def _below(value: Any, step: str) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return [found for each in cast("Sequence[Any]", value) for found in _below(each, step)]
    return [cast("Mapping[str, Any]", value).get(step)] if isinstance(value, Mapping) else []
