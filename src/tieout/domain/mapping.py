"""How a system's record becomes a canonical document: a typed table, versioned, with a trail for each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Record = Mapping[str, Any]
Convert = Callable[[Any], Any]


def as_is(value: Any) -> Any:
    return value


def text(value: Any) -> str:
    """Absent becomes the empty string: canonical documents know no null text."""
    return "" if value is None else str(value).strip()


@dataclass(frozen=True, slots=True)
class Field:
    """`target` of the document comes from `source`, a dotted path in the record, through `via`."""

    target: str
    source: str
    via: Convert = as_is


@dataclass(frozen=True, slots=True)
class MappingTable:
    """A version of one connector's table for one kind of document; a published version never changes."""

    name: str
    version: int
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        targets = [each.target for each in self.fields]
        twice = {target for target in targets if targets.count(target) > 1}
        if twice:
            raise ValueError(f"mapping {self.name} sets {sorted(twice)} twice")

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    def with_sources(self, sources: Mapping[str, str]) -> MappingTable:
        """The table with the firm's own fields in place of the connector's defaults; unknown targets become extensions."""
        known = {each.target: each for each in self.fields}
        kept = tuple(replace(each, source=sources.get(each.target, each.source)) for each in self.fields)
        added = tuple(Field(f"extensions.{name}", path, text) for name, path in sources.items() if name not in known)
        return replace(self, fields=kept + added)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Field values for a document, and for each one where it came from."""

    values: dict[str, Any]
    trail: dict[str, dict[str, str]]


def apply(mapping: MappingTable, record: Record) -> Mapped:
    """Raises ValueError that names field, source and value when a conversion fails."""
    values: dict[str, Any] = {}
    trail: dict[str, dict[str, str]] = {}
    for each in mapping.fields:
        raw = at(record, each.source)
        try:
            value = each.via(raw)
        except (ValueError, TypeError, ArithmeticError, KeyError) as wrong:
            raise ValueError(
                f"{mapping.label}: {each.source} is {raw!r}, no good for {each.target}: {wrong}"
            ) from wrong
        place(values, each.target, value)
        trail[each.target] = {"source": each.source, "mapping": mapping.label}
    return Mapped(values, trail)


def at(record: Record, path: str) -> Any:
    """The value at a dotted path; a missing step is None, as a null parent is."""
    value: Any = record
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]


def place(values: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for step in parents:
        values = values.setdefault(step, {})
    values[last] = value
