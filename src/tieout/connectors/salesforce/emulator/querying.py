"""The query resources: answers in pages, each but the last with the address of the next."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.identifiers import new_id
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.sessions import Sessions
from tieout.connectors.salesforce.emulator.soql.answering import Asker
from tieout.connectors.salesforce.emulator.soql.parser import parse
from tieout.connectors.salesforce.emulator.wire import JsonObject

_SMALLEST_PAGE, _LARGEST_PAGE = 200, 2000
_CURSORS_KEPT = 100
_CURSOR_LIFE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The whole answer as it was when the query was asked: later changes neither repeat nor lose a row."""

    rows: list[JsonObject]
    page: int
    user_id: str
    born: datetime


class Querying:
    """/query and /queryAll, and the cursors between their pages."""

    def __init__(self, records: Records, sessions: Sessions) -> None:
        self._records = records
        self._sessions = sessions
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._opened = 0

    def resources(self) -> list[Resource]:
        return [
            Resource("/query", {"GET": self.query}),
            Resource("/queryAll", {"GET": self.query_all}),
            Resource("/query/{locator}", {"GET": self.more}),
            Resource("/queryAll/{locator}", {"GET": self.more}),
        ]

    def query(self, call: Call) -> Reply:
        return self._answer(call, include_deleted=False)

    def query_all(self, call: Call) -> Reply:
        return self._answer(call, include_deleted=True)

    def _answer(self, call: Call, *, include_deleted: bool) -> Reply:
        if "explain" in call.query:
            return self._plan(call)
        text = call.query.get("q", "")
        asker = Asker(self._records, call.base, self._zone(call), include_deleted=include_deleted)
        answer = asker.answer(parse(text))
        page = page_size(call.headers.get("sforce-query-options", ""))
        for record in answer.records:
            self._page_children(call, record, page)
        first = self._first(call, answer.records, page)
        return Reply(200, {"totalSize": answer.total, **first})

    def _page_children(self, call: Call, record: JsonObject, page: int) -> None:
        """A list of children that is longer than a page has pages of its own."""
        for name, value in record.items():
            rows: Any = value.get("records") if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(rows, list) and len(rows) > page:  # pyright: ignore[reportUnknownArgumentType]
                record[name] = {"totalSize": len(rows), **self._first(call, rows, page)}  # pyright: ignore[reportUnknownArgumentType]

    def _first(self, call: Call, rows: list[JsonObject], page: int) -> JsonObject:
        if len(rows) <= page:
            return {"done": True, "records": rows}
        self._opened += 1
        cursor_id = new_id("0r8", "xx", self._opened)
        self._cursors[cursor_id] = _Cursor(rows, page, call.session.user_id, self._records.now())
        if len(self._cursors) > _CURSORS_KEPT:
            self._cursors.popitem(last=False)
        return self._page(call, cursor_id, 0)

    def _page(self, call: Call, cursor_id: str, start: int) -> JsonObject:
        cursor = self._cursors[cursor_id]
        end = start + cursor.page
        done = end >= len(cursor.rows)
        following = {} if done else {"nextRecordsUrl": f"{call.base}/query/{cursor_id}-{end}"}
        return {"done": done, **following, "records": cursor.rows[start:end]}

    def more(self, call: Call, locator: str) -> Reply:
        """A later page. Raises Refusal (INVALID_QUERY_LOCATOR) for a cursor that is gone or another user's."""
        cursor_id, _, start = locator.partition("-")
        cursor = self._cursors.get(cursor_id)
        if cursor is None or cursor.user_id != call.session.user_id or not start.isdigit() or self._stale(cursor):
            raise refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        return Reply(200, {"totalSize": len(cursor.rows), **self._page(call, cursor_id, int(start))})

    def _stale(self, cursor: _Cursor) -> bool:
        return self._records.now() - cursor.born > _CURSOR_LIFE

    def _plan(self, call: Call) -> Reply:
        query = parse(call.query["explain"])
        plan = {
            "cardinality": 1,
            "fields": list[str](),
            "leadingOperationType": "TableScan",
            "notes": list[str](),
            "relativeCost": 1.0,
            "sobjectCardinality": 1,
            "sobjectType": query.entity,
        }
        return Reply(200, {"plans": [plan], "sourceQuery": call.query["explain"]})

    def _zone(self, call: Call) -> ZoneInfo:
        name = self._sessions.user_by_id(call.session.user_id).get("TimeZoneSidKey") or "UTC"
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")


def page_size(options: str) -> int:
    """Rows per page from `Sforce-Query-Options: batchSize=500`, within what the API allows."""
    _, _, size = options.partition("batchSize=")
    wanted = int(size) if size.strip().isdigit() else _LARGEST_PAGE
    return min(max(wanted, _SMALLEST_PAGE), _LARGEST_PAGE)
