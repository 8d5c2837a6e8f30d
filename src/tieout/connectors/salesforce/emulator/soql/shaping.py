"""One record of an answer: its fields, its parents as objects within it, its children as lists within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from tieout.connectors.salesforce.emulator.records import Row
from tieout.connectors.salesforce.emulator.schema import Child, SObject
from tieout.connectors.salesforce.emulator.soql.binding import Bound, Scope
from tieout.connectors.salesforce.emulator.soql.syntax import AllFields, Function, Item, Path, Query
from tieout.connectors.salesforce.emulator.soql.tokens import malformed
from tieout.connectors.salesforce.emulator.wire import JsonObject

Chosen: TypeAlias = "tuple[str, Bound[Row]] | Query"


def attributes(base: str, entity: SObject, record_id: str) -> dict[str, str]:
    return {"type": entity.name, "url": f"{base}/sobjects/{entity.name}/{record_id}"}


def selection(scope: Scope, query: Query) -> list[Chosen]:
    """What a query selects: keys with their values, and subqueries in their places. Raises Refusal."""
    chosen: list[Chosen] = []
    unnamed = 0
    for item in query.items:
        match item:
            case Query():
                chosen.append(item)
            case AllFields():
                chosen += _all_fields(scope, item)
            case Item(expression=Function(), alias=alias):
                name = alias or f"expr{unnamed}"
                unnamed += alias is None
                chosen.append((name, scope.bind(item.expression)))
            case Item():
                bound = scope.bind(item.expression)
                chosen.append((bound.name, bound))
    keys = [(*(each.name for each in chosen_bound.parents), name) for name, chosen_bound in _fields(chosen)]
    for key in keys:
        if keys.count(key) > 1:
            raise malformed(query.text, query.at, f"duplicate field selected: {'.'.join(key)}")
    return chosen


def _fields(chosen: Sequence[Chosen]) -> list[tuple[str, Bound[Row]]]:
    return [each for each in chosen if not isinstance(each, Query)]


def _all_fields(scope: Scope, item: AllFields) -> list[Chosen]:
    if item.group not in ("ALL", "STANDARD", "CUSTOM"):
        raise malformed(scope.text, item.at, f"unexpected token: '{item.group}'")
    wanted = {"ALL": (True, False), "CUSTOM": (True,), "STANDARD": (False,)}[item.group]
    fields = [each for each in scope.entity.fields.values() if each.custom in wanted]
    return [(each.name, scope.path(Path((each.name,), item.at))) for each in fields]


class Shape:
    """Makes the JSON of a row. `children` answers each subquery, found by its identity."""

    def __init__(
        self,
        scope: Scope,
        base: str,
        chosen: Sequence[Chosen],
        children: Mapping[int, tuple[Child, Callable[[Row], list[JsonObject]]]],
    ) -> None:
        self._scope = scope
        self._base = base
        self._chosen = chosen
        self._children = children

    def record(self, row: Row) -> JsonObject:
        body: JsonObject = {"attributes": attributes(self._base, self._scope.entity, row["Id"])}
        for each in self._chosen:
            if isinstance(each, Query):
                child, rows_of = self._children[id(each)]
                rows = rows_of(row)
                body[child.relationship] = {"totalSize": len(rows), "done": True, "records": rows} if rows else None
            else:
                name, bound = each
                holder = self._parent(body, row, bound)
                if holder is not None:
                    holder[name] = bound.read(row)
        return body

    def _parent(self, body: JsonObject, row: Row, bound: Bound[Row]) -> JsonObject | None:
        """The object inside the record that holds a parent's field; None where there is no such parent."""
        holder = body
        for depth, reference in enumerate(bound.parents):
            target = self._scope.parent_row(row, bound.parents[: depth + 1])
            if target is None:
                holder.setdefault(reference.relationship, None)
                return None
            entity = self._scope.records.schema[reference.to[0]]
            holder = holder.setdefault(
                reference.relationship, {"attributes": attributes(self._base, entity, target["Id"])}
            )
        return holder
