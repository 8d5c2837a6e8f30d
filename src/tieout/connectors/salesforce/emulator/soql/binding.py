"""Expressions of a query tied to the schema: which field a path means, and how its value is read from a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Generic, TypeVar

from tieout.connectors.salesforce.emulator.failures import Refusal
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.schema import SObject, SObjectField
from tieout.connectors.salesforce.emulator.soql.syntax import Expression, Function, Path
from tieout.connectors.salesforce.emulator.soql.tokens import malformed, wrong_at

S = TypeVar("S")

_DATE_PARTS: dict[str, Callable[[date], Any]] = {
    "CALENDAR_YEAR": lambda day: day.year,
    "CALENDAR_QUARTER": lambda day: (day.month + 2) // 3,
    "CALENDAR_MONTH": lambda day: day.month,
    "DAY_IN_MONTH": lambda day: day.day,
    "DAY_ONLY": lambda day: date(day.year, day.month, day.day),
}
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Bound(Generic[S]):
    """An expression that can be read from a subject: a row, or a group of rows. `name` is its key in an answer."""

    name: str
    field: SObjectField
    read: Callable[[S], Any]
    parents: tuple[SObjectField, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a query's names are looked up: its object, its alias, and the asking user's time zone."""

    records: Records
    entity: SObject
    text: str
    alias: str | None
    zone: tzinfo
    include_deleted: bool

    def bind(self, expression: Expression) -> Bound[Row]:
        """Raises Refusal (INVALID_FIELD, MALFORMED_QUERY) that points at the wrong name."""
        return self._function(expression) if isinstance(expression, Function) else self.path(expression)

    def path(self, path: Path) -> Bound[Row]:
        steps = self._own(path.steps)
        if len(steps) - 1 > _DEEPEST:
            raise malformed(self.text, path.at, "Maximum of 5 parent levels is allowed in a relationship path")
        entity, parents = self.entity, list[SObjectField]()
        for step in steps[:-1]:
            reference = entity.parent(step)
            if reference is None:
                raise self._wrong(path, f"Didn't understand relationship '{step}' in field path. {_RELATIONSHIP_HINT}")
            parents.append(reference)
            entity = self.records.schema[reference.to[0]]
        found = entity.field(steps[-1])
        if found is None:
            raise self._wrong(path, f"No such column '{steps[-1]}' on entity '{entity.name}'. {_FIELD_HINT}")
        return Bound(found.name, found, self._reader(found, parents), tuple(parents))

    def _own(self, steps: Sequence[str]) -> Sequence[str]:
        """A path may begin with the object's own name or its alias."""
        own = {self.entity.name.lower(), (self.alias or "").lower()}
        return steps[1:] if len(steps) > 1 and steps[0].lower() in own else steps

    def parent_row(self, row: Row, parents: Sequence[SObjectField]) -> Row | None:
        at: Row | None = row
        for reference in parents:
            target = at.get(reference.name) if at is not None else None
            at = self.records.get(self.records.schema[reference.to[0]], target) if target else None
        return at

    def _reader(self, wanted: SObjectField, parents: Sequence[SObjectField]) -> Callable[[Row], Any]:
        def own(row: Row) -> Any:
            return address(row, wanted.name) if wanted.type == "address" else row.get(wanted.name)

        def of_parent(row: Row) -> Any:
            parent = self.parent_row(row, parents)
            return None if parent is None else own(parent)

        return of_parent if parents else own

    def _function(self, function: Function) -> Bound[Row]:
        if function.name not in (*_DATE_PARTS, "TOLABEL") or function.argument is None:
            raise malformed(self.text, function.at, f"unexpected token: '{function.name}'")
        inside = self.path(function.argument)
        if function.name == "TOLABEL":
            return inside
        part = _DATE_PARTS[function.name]
        if inside.field.type not in ("date", "datetime"):
            raise self._wrong(function.argument, f"{function.name} function requires a date or dateTime field")

        def read(row: Row) -> Any:
            moment = inside.read(row)
            local = moment.astimezone(self.zone) if isinstance(moment, datetime) else moment
            return None if local is None else part(local)

        kind = "date" if function.name == "DAY_ONLY" else "int"
        return Bound("", SObjectField(name=inside.name, type=kind, label=inside.field.label), read)

    def _wrong(self, path: Path, message: str) -> Refusal:
        return wrong_at(self.text, path.at, "INVALID_FIELD", message)


_FIELD_HINT = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)
_RELATIONSHIP_HINT = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship "
    "name. Please reference your WSDL or the describe call for the appropriate names."
)
_ADDRESS_PARTS = ("city", "country", "postalCode", "state", "street")


def address(row: Row, name: str) -> dict[str, Any] | None:
    """A compound address from its parts, or None where every part is empty."""
    before = name.removesuffix("Address")
    parts = {part: row.get(before + part[0].upper() + part[1:]) for part in _ADDRESS_PARTS}
    if not any(parts.values()):
        return None
    return {**parts, "geocodeAccuracy": None, "latitude": None, "longitude": None}
