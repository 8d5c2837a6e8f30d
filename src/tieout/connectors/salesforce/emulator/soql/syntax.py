"""A query as a tree, before anyone has asked whether its fields exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """`Account.Owner.Name`, and where it stands in the query."""

    steps: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.steps)


@dataclass(frozen=True, slots=True)
class Function:
    """`COUNT(Id)`, `CALENDAR_YEAR(CloseDate)`; without an argument only COUNT()."""

    name: str
    argument: Path | None
    at: int


Expression: TypeAlias = Path | Function


@dataclass(frozen=True, slots=True)
class Item:
    """One selected expression with its alias, if it has one."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class AllFields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""

    group: str
    at: int


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """TODAY, LAST_N_DAYS:30: a stretch of days named relative to now."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A value with the kind of word it was written as; a bare date is no string."""

    kind: Literal["string", "number", "date", "datetime", "boolean", "null", "range"]
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Expression
    operator: str
    values: tuple[Constant, ...]
    subquery: Query | None = None


@dataclass(frozen=True, slots=True)
class Not:
    inside: Condition


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Not | All | Either


@dataclass(frozen=True, slots=True)
class Order:
    expression: Expression
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. `at` is where its FROM's name stands; `count_only` is SELECT COUNT()."""

    text: str
    items: tuple[Item | AllFields | Query, ...]
    entity: str
    alias: str | None
    at: int
    where: Condition | None
    group_by: tuple[Expression, ...]
    having: Condition | None
    order_by: tuple[Order, ...]
    limit: int | None
    offset: int
    all_rows: bool
    count_only: bool
