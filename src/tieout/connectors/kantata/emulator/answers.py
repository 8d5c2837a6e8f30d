"""The envelope: which rows a list holds, in which order and page, and what is side-loaded with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.schema import CUSTOM_VALUES, REFERENCES, Association, Collection, Row
from tieout.connectors.kantata.emulator.wire import shown_stamp

_INSTANTS = frozenset(
    {
        "created_at",
        "updated_at",
        "deleted_at",
        "subject_changed_at",
        "current_resolution_created_at_date",
        "last_synced_at",
    }
)
# Ids of these names are numbers in answers, against the rule; the vendor's own description says so.
_NUMBERS = frozenset({"rate_card_id", "current_resolution_creator_id", "subject_id", "target_id", "resource_id"})

Derive = Callable[[Call, Row], Mapping[str, Any]]
Visible = Callable[[Call, Row], bool]


class Answers:
    """Turns rows into what the vendor answers. `derive` adds what is computed, `visible` keeps what the caller may see."""

    def __init__(
        self,
        catalogue: Mapping[str, Collection],
        derive: Mapping[str, Derive],
        visible: Mapping[str, Visible],
        zone: ZoneInfo,
        largest_page: int = 200,
    ) -> None:
        self._catalogue = catalogue
        self._derive = derive
        self._visible = visible
        self._zone = zone
        self._largest_page = largest_page

    def sees(self, call: Call, collection: str, row: Row) -> bool:
        visible = self._visible.get(collection)
        return visible is None or visible(call, row)

    def matching(self, call: Call, kind: Collection, rows: Sequence[Row]) -> list[Row]:
        """Rows that the caller sees and that pass every filter; defaults are filters that nobody asked for."""
        params = {**kind.defaults, **call.params}
        asked = [(kind.filters[name], value) for name, value in params.items() if name in kind.filters]
        wanted = set(call.listed("only")) if "only" in call.params else None
        words = call.params.get("search", "").casefold() if wanted is None else ""
        return [
            row
            for row in rows
            if (wanted is None or row["id"] in wanted)
            and self.sees(call, kind.name, row)
            and all(passes(call, row, value) for passes, value in asked)
            and (not words or any(words in str(row.get(name) or "").casefold() for name in kind.search))
        ]

    def page(self, call: Call, kind: Collection, rows: Sequence[Row]) -> dict[str, Any]:
        ordered = _ordered(call, kind, rows)
        limit, offset = _number(call, "limit", 0), _number(call, "offset", -1)
        if limit > 0 and offset >= 0:
            size, number = limit, offset // limit + 1
        else:
            size = min(max(_number(call, "per_page", 20), 1), self._largest_page)
            number = max(_number(call, "page", 1), 1)
            offset = (number - 1) * size
        meta = {
            "count": len(ordered),
            "page_count": -(-len(ordered) // size),
            "page_number": number,
            "page_size": size,
        }
        return self.envelope(call, kind, ordered[offset : offset + size], meta)

    def envelope(
        self, call: Call, kind: Collection, rows: Sequence[Row], meta: Mapping[str, int] | None = None
    ) -> dict[str, Any]:
        meta = meta or {"count": len(rows), "page_count": 1, "page_number": 1, "page_size": 20}
        asked = [each for name in call.listed("include") if (each := kind.association(name))]
        maps: dict[str, dict[str, Any]] = {kind.name: {}}
        for association in asked:
            if association.collection:
                maps.setdefault(association.collection, {})
            for row in rows:
                for other, each in self._associated(call, kind, row, association):
                    side = maps.setdefault(other.name, {})
                    if each["id"] not in side:
                        side[each["id"]] = self._object(call, other, each, ())
        for row in rows:
            maps[kind.name][row["id"]] = self._object(call, kind, row, asked)
        results = [{"key": kind.name, "id": row["id"]} for row in rows]
        return {"count": meta["count"], "meta": dict(meta), "results": results, **maps}

    def _object(self, call: Call, kind: Collection, row: Row, asked: Sequence[Association]) -> dict[str, Any]:
        derive = self._derive.get(kind.name)
        full: dict[str, Any] = {**row, **(derive(call, row) if derive else {})}
        optional = set(call.listed("optional_fields")) & set(kind.optional)
        names = [name for name in kind.shown if name not in kind.optional or name in optional]
        answer = {name: self._shown(name, full.get(name)) for name in (*names, *optional)}
        for each in kind.associations:
            if each in asked or not (each.many or each.hidden):
                answer[each.key] = self._reference(call, kind, full, each)
        return {**answer, "id": row["id"]}

    def _reference(self, call: Call, kind: Collection, row: Row, each: Association) -> Any:
        if each.many:
            return [other["id"] for _, other in self._associated(call, kind, row, each)]
        if each.collection:
            return self._shown(each.key, row.get(each.key))
        found = self._associated(call, kind, row, each)
        return {"id": found[0][1]["id"], "key": found[0][0].name} if found else None

    def _associated(self, call: Call, kind: Collection, row: Row, each: Association) -> list[tuple[Collection, Row]]:
        records = call.records
        other = self._catalogue.get(each.collection)
        if other is None:  # the subject of an event may be anything, and gone
            other = next(one for one in self._catalogue.values() if one.subject == row["subject_type"])
            subject = records.get(other.name, row["subject_id"])
            found = [subject] if subject else []
        elif each.name in (REFERENCES.name, CUSTOM_VALUES.name):
            found = records.where(other.name, "subject_id", row["id"])
            found = [one for one in found if one["subject_type"] == kind.subject]
        elif each.via:
            found = records.where(other.name, each.via, row["id"])
        else:
            ids: list[str] = row.get(each.key) or [] if each.many else [row.get(each.key) or ""]
            found = [one for row_id in ids if (one := records.get(other.name, row_id))]
        return [(other, one) for one in found if self.sees(call, other.name, one)]

    def _shown(self, name: str, value: Any) -> Any:
        if name in _INSTANTS:
            return shown_stamp(value, self._zone)
        if name in _NUMBERS and value is not None:
            return int(value)
        return value


def _number(call: Call, name: str, otherwise: int) -> int:
    try:
        return int(call.params.get(name, otherwise))
    except ValueError:
        return otherwise


def _ordered(call: Call, kind: Collection, rows: Sequence[Row]) -> list[Row]:
    """By the asked order, or by the collection's own when it does not know the asked one; ids settle equal values."""
    asked = call.params.get("order", "")
    name, _, direction = (asked if asked.partition(":")[0] in kind.orders else kind.order).partition(":")
    down = direction.lower() == "desc"
    return sorted(rows, key=lambda row: (_sortable(row.get(name)), int(row["id"])), reverse=down)


def _sortable(value: Any) -> tuple[bool, str, float]:
    number = float(value) if isinstance(value, int | float) else 0.0
    return value is not None, "" if isinstance(value, int | float) else str(value or ""), number
