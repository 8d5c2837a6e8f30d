"""The answer to a query: rows chosen, ordered, cut, and shaped as the API shapes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cmp_to_key
from typing import Any, TypeVar

from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.removal import in_recycle_bin
from tieout.connectors.salesforce.emulator.schema import Child, SObject
from tieout.connectors.salesforce.emulator.soql.binding import Bound, Scope
from tieout.connectors.salesforce.emulator.soql.conditions import narrowed, test_of
from tieout.connectors.salesforce.emulator.soql.grouping import aggregates, columns, group_binder, groups
from tieout.connectors.salesforce.emulator.soql.shaping import Shape, selection
from tieout.connectors.salesforce.emulator.soql.syntax import AllFields, Expression, Item, Order, Query
from tieout.connectors.salesforce.emulator.soql.tokens import malformed, wrong_at
from tieout.connectors.salesforce.emulator.values import folded
from tieout.connectors.salesforce.emulator.wire import JsonObject

S = TypeVar("S")

_LARGEST_OFFSET = 2000
_FIELDS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """Every row of a query's answer, ready for the wire. COUNT() counts and has no records."""

    total: int
    records: list[JsonObject]


class Asker:
    """Answers one user's queries: `base` begins the addresses of records, `zone` decides what day it is."""

    def __init__(self, records: Records, base: str, zone: tzinfo, *, include_deleted: bool = False) -> None:
        self._records = records
        self._base = base
        self._zone = zone
        self._include_deleted = include_deleted

    def answer(self, query: Query) -> Answer:
        """Raises Refusal for anything in the query that this org does not have."""
        scope = self._scope(query)
        rows = self._where(scope, query)
        if query.count_only and not query.group_by:
            return Answer(len(rows), [])
        if aggregates(query):
            shaped = self._grouped(scope, query, rows)
        else:
            shape = self._shape(scope, query)
            shaped = [shape.record(row) for row in self._cut(scope, query, rows)]
        return Answer(len(shaped), shaped)

    def matches(self, query: Query, row: Row) -> bool:
        """Whether the query's condition holds for one row of its object."""
        if query.where is None:
            return True
        scope = self._scope(query)
        return test_of(scope, query.where, scope.bind, self._values)(row)

    def _scope(self, query: Query) -> Scope:
        entity = self._records.schema.find(query.entity)
        if entity is None:
            message = (
                f"sObject type '{query.entity}' is not supported. If you are attempting to use a custom object, be sure "
                "to append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names."
            )
            raise wrong_at(query.text, query.at, "INVALID_TYPE", message)
        deleted = self._include_deleted or query.all_rows
        return Scope(self._records, entity, query.text, query.alias, self._zone, deleted)

    # -- rows

    def _where(self, scope: Scope, query: Query, among: Iterable[Row] | None = None) -> list[Row]:
        rows = among if among is not None else narrowed(scope, query.where, self._values)
        visible = (
            each for each in (self._records.all(scope.entity) if rows is None else rows) if self._sees(scope, each)
        )
        if query.where is None:
            return list(visible)
        test = test_of(scope, query.where, scope.bind, self._values)
        return [each for each in visible if test(each)]

    def _sees(self, scope: Scope, row: Row) -> bool:
        return not row["IsDeleted"] or (scope.include_deleted and in_recycle_bin(self._records, row))

    def _values(self, query: Query) -> Sequence[Any]:
        """The single column of a semi-join."""
        scope = self._scope(query)
        if len(query.items) != 1 or not isinstance(query.items[0], Item):
            raise malformed(query.text, query.at, "A semi join must select exactly one field")
        bound = scope.bind(query.items[0].expression)
        return [bound.read(row) for row in self._where(scope, query)]

    def _cut(self, scope: Scope, query: Query, rows: list[Row]) -> list[Row]:
        return _window(query, _sorted(scope, query.order_by, rows, scope.bind))

    # -- shapes

    def _grouped(self, scope: Scope, query: Query, rows: list[Row]) -> list[JsonObject]:
        found = groups(scope, query, rows)
        bind = group_binder(scope, query)
        if query.having is not None:
            test = test_of(scope, query.having, bind, self._values)
            found = [each for each in found if test(each)]
        shown = columns(scope, query)
        window = _window(query, _sorted(scope, query.order_by, found, bind))
        return [
            {"attributes": {"type": "AggregateResult"}, **{name: bound.read(group) for name, bound in shown}}
            for group in window
        ]

    def _shape(self, scope: Scope, query: Query) -> Shape:
        limited = query.limit is not None and query.limit <= _FIELDS_LIMIT
        if any(isinstance(each, AllFields) and each.group != "STANDARD" for each in query.items) and not limited:
            raise malformed(query.text, query.at, "The SOQL FIELDS function must have a LIMIT of at most 200")
        children = {id(each): self._children(scope.entity, each) for each in query.items if isinstance(each, Query)}
        return Shape(scope, self._base, selection(scope, query), children)

    def _children(self, parent: SObject, query: Query) -> tuple[Child, Callable[[Row], list[JsonObject]]]:
        child = self._records.schema.child(parent, query.entity)
        if child is None:
            message = f"Didn't understand relationship '{query.entity}' in FROM part of query call."
            raise wrong_at(query.text, query.at, "INVALID_TYPE", message)
        if any(isinstance(each, Query) for each in query.items):
            raise malformed(query.text, query.at, "Nesting of semi join sub-selects is not supported")
        deleted = self._include_deleted or query.all_rows
        scope = Scope(self._records, child.entity, query.text, query.alias, self._zone, deleted)
        shape = Shape(scope, self._base, selection(scope, query), {})

        def of(row: Row) -> list[JsonObject]:
            among = self._records.find(child.entity, child.field.name, row["Id"])
            return [shape.record(each) for each in self._cut(scope, query, self._where(scope, query, among))]

        return child, of


def _window(query: Query, rows: list[S]) -> list[S]:
    if query.offset > _LARGEST_OFFSET:
        raise refusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_LARGEST_OFFSET}")
    return rows[query.offset :][: query.limit]


def _sorted(scope: Scope, orders: Sequence[Order], rows: list[S], bind: Callable[[Expression], Bound[S]]) -> list[S]:
    """Stable, so that rows equal in every key keep the order of their creation."""
    for order in reversed(orders):
        bound = bind(order.expression)
        if bound.field.type in ("textarea", "address", "multipicklist"):
            message = f"field '{bound.field.name}' can not be sorted in a query call"
            raise wrong_at(scope.text, order.expression.at, "INVALID_FIELD", message)
        rows = sorted(rows, key=_key(order, bound))
    return rows


def _key(order: Order, bound: Bound[S]) -> Callable[[S], Any]:
    """Nulls come first unless the query says last; text is ordered without regard to case."""
    null_sign = 1 if order.nulls_last else -1
    sign = -1 if order.descending else 1

    def compare(left: Any, right: Any) -> int:
        if left is None or right is None:
            return null_sign * ((left is None) - (right is None))
        return sign * ((left > right) - (left < right))

    key = cmp_to_key(compare)
    return lambda row: key(folded(bound.field, bound.read(row)))
