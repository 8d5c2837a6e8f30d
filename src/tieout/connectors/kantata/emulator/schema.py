"""What a collection is: its attributes, what it is associated with, and how it can be filtered and ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tieout.connectors.kantata.emulator.wire import Coerce

if TYPE_CHECKING:
    from tieout.connectors.kantata.emulator.calls import Call

Row = dict[str, Any]
# Whether a row passes, given the caller and the value of the parameter.
Filter = Callable[["Call", Row, str], bool]


@dataclass(frozen=True, slots=True)
class Association:
    """What `include=name` adds: rows of another collection, and `key` on the row itself.

    A `column` is kept on the row; without `hidden` it is answered even when nobody asked, because it costs the vendor
    nothing. Where `via` is given, the associated rows are those whose `via` is this row's id.
    """

    name: str
    collection: str
    key: str
    many: bool = False
    via: str = ""
    hidden: bool = False


def one(name: str, collection: str, *, key: str = "", hidden: bool = False) -> Association:
    return Association(name, collection, key or f"{name}_id", hidden=hidden)


def kept(name: str, collection: str, key: str) -> Association:
    """Many, whose ids are kept on the row."""
    return Association(name, collection, key, many=True)


def many(name: str, collection: str, key: str, *, via: str) -> Association:
    return Association(name, collection, key, many=True, via=via)


REFERENCES = Association("external_references", "external_references", "external_reference_ids", many=True)
CUSTOM_VALUES = Association("custom_field_values", "custom_field_values", "custom_field_value_ids", many=True)


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of record. `writes` and `updates` name what a body may set and how it is read; anything else in a body is
    ignored without a word, as Rails does.
    """

    name: str
    singular: str
    subject: str
    shown: tuple[str, ...]
    writes: Mapping[str, Coerce] = field(default_factory=dict[str, Coerce])
    fixed: frozenset[str] = frozenset()
    required: Mapping[str, str] = field(default_factory=dict[str, str])
    associations: tuple[Association, ...] = ()
    optional: tuple[str, ...] = ()
    filters: Mapping[str, Filter] = field(default_factory=dict[str, Filter])
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    orders: tuple[str, ...] = ("created_at", "updated_at")
    order: str = "created_at:asc"
    search: tuple[str, ...] = ()
    verbs: frozenset[str] = frozenset({"list", "show", "create", "update", "delete"})
    bulk: int = 0
    event: str = ""

    def association(self, name: str) -> Association | None:
        return next((each for each in self.associations if each.name == name), None)


READ_ONLY = frozenset({"list", "show"})
NO_DELETE = frozenset({"list", "show", "create", "update"})
