"""Aggregates: rows in groups, and what COUNT, SUM, AVG, MIN and MAX make of a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.connectors.salesforce.emulator.records import Row
from tieout.connectors.salesforce.emulator.schema import NUMERIC, SObjectField
from tieout.connectors.salesforce.emulator.soql.binding import Bound, Scope
from tieout.connectors.salesforce.emulator.soql.syntax import AllFields, Expression, Function, Item, Query
from tieout.connectors.salesforce.emulator.soql.tokens import malformed, wrong_at
from tieout.connectors.salesforce.emulator.values import folded

Group = Sequence[Row]

_REDUCE: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len(set(values)),
    "SUM": lambda values: sum(values, Decimal(0)) if values else None,
    "AVG": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
}


def aggregates(query: Query) -> bool:
    """The answer's rows are groups: the query groups, or selects an aggregate."""
    chosen = [each.expression for each in query.items if isinstance(each, Item)]
    return bool(query.group_by) or any(isinstance(each, Function) and each.name in _REDUCE for each in chosen)


def groups(scope: Scope, query: Query, rows: Iterable[Row]) -> list[Group]:
    """Rows with equal keys together, in the order of their first row; without GROUP BY all rows are one group."""
    if not query.group_by:
        return [list(rows)]
    keys = [scope.bind(each) for each in query.group_by]
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(folded(each.field, each.read(row)) for each in keys), []).append(row)
    return list(found.values())


def group_binder(scope: Scope, query: Query) -> Callable[[Expression], Bound[Group]]:
    """Binds aggregates, and whatever the query groups by. Anything else is refused (MALFORMED_QUERY)."""
    grouped = {_same(scope, each) for each in query.group_by}

    def bind(expression: Expression) -> Bound[Group]:
        if isinstance(expression, Function) and expression.name in _REDUCE:
            return _aggregate(scope, expression)
        bound = scope.bind(expression)
        if _same(scope, expression) not in grouped:
            raise malformed(scope.text, expression.at, f"Field must be grouped or aggregated: {bound.name}")
        return Bound(bound.name, bound.field, lambda group: bound.read(group[0]) if group else None)

    return bind


def _aggregate(scope: Scope, function: Function) -> Bound[Group]:
    if function.argument is None:
        return Bound("", SObjectField(name="Id", type="int"), len)
    inside = scope.path(function.argument)
    if function.name in ("SUM", "AVG") and inside.field.type not in NUMERIC:
        message = f"field {inside.name} does not support aggregate operator {function.name}"
        raise wrong_at(scope.text, function.argument.at, "INVALID_FIELD", message)
    reduce = _REDUCE[function.name]

    def read(group: Group) -> Any:
        return reduce([value for row in group if (value := inside.read(row)) is not None])

    counted = function.name.startswith("COUNT")
    return Bound("", SObjectField(name=inside.name, type="int") if counted else inside.field, read)


def columns(scope: Scope, query: Query) -> list[tuple[str, Bound[Group]]]:
    """Output key and value of each selected item; an aggregate without alias is called expr0, expr1, …"""
    bind = group_binder(scope, query)
    found: list[tuple[str, Bound[Group]]] = []
    unnamed = 0
    for item in query.items:
        if isinstance(item, AllFields | Query):
            raise malformed(scope.text, item.at, "Grouped query cannot use child relationships or FIELDS")
        bound = bind(item.expression)
        name = item.alias or bound.name
        if not name:
            name, unnamed = f"expr{unnamed}", unnamed + 1
        found.append((name, bound))
    return found


def _same(scope: Scope, expression: Expression) -> tuple[str, ...]:
    """Equal for expressions that mean the same, however they are spelled."""
    path = expression.argument if isinstance(expression, Function) else expression
    name = expression.name if isinstance(expression, Function) else ""
    if path is None:
        return (name,)
    bound = scope.path(path)
    return (name, *(each.name for each in bound.parents), bound.name)
