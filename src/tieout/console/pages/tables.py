"""Value tables: what differs from firm to firm, unknown values first, every row with its author and its first day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console.visit import Visit
from tieout.domain.access import Verb
from tieout.domain.firm import ValueTable
from tieout.domain.values import ValueRow, ValueTables
from tieout.store import firm, worklist


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that documents wait for."""

    table: str
    key: str
    entity: str
    waiting: int
    since: datetime
    href: str


@dataclass(frozen=True, slots=True)
class Summary:
    table: ValueTable
    rows: int
    unknown: int


@dataclass(frozen=True, slots=True)
class TableLine:
    """`status` says whether a row is in force today, comes later, or was replaced."""

    row: ValueRow
    status: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The page's own variables."""

    template: ClassVar[str] = "tables.html"

    tables: tuple[Summary, ...]
    unknown: tuple[Unknown, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table; the form begins with what the address says."""

    template: ClassVar[str] = "table.html"

    table: ValueTable
    unknown: tuple[Unknown, ...]
    lines: tuple[TableLine, ...]
    options: tuple[str, ...]
    entities: tuple[str, ...]
    key: str
    entity: str
    valid_from: date
    may: Callable[[Verb], bool]


async def show(visit: Visit) -> Response:
    async with visit.setting.database.transaction() as tx:
        rows = await firm.values(tx)
        unknown = await _unknown(visit)
    tables = tuple(
        Summary(
            each,
            sum(1 for row in rows if row.table == each.name),
            sum(1 for value in unknown if value.table == each.name),
        )
        for each in visit.setting.firm().tables
    )
    return await visit.page(Tables(tables, tuple(unknown)))


async def one(visit: Visit) -> Response:
    table = visit.setting.firm().table(visit.request.path_params["table"])
    if table is None:
        raise HTTPException(404, f"There is no value table {visit.request.path_params['table']!r}.")
    async with visit.setting.database.transaction() as tx:
        rows = await firm.values(tx, table.name)
    return await visit.page(
        Table(
            table=table,
            unknown=tuple(each for each in await _unknown(visit) if each.table == table.name),
            lines=tuple(lines_of(rows, visit.now.date())),
            options=tuple(ValueTables(rows).options(table.name)),
            entities=tuple(each.code for each in visit.setting.firm().entities),
            key=visit.query("value"),
            entity=visit.query("entity") or "*",
            valid_from=date(visit.now.year, 1, 1),
            may=visit.may,
        ),
    )


def lines_of(rows: Sequence[ValueRow], today: date) -> list[TableLine]:
    """Rows by key and entity, the newest first, each with what it means today."""
    tables = ValueTables(rows)
    lines: list[TableLine] = []
    for each in sorted(
        rows, key=lambda row: (row.key.casefold(), row.entity, -row.valid_from.toordinal(), -row.version)
    ):
        in_force = tables.look_up(each.table, each.key, entity=each.entity, on=today)
        status = "from then on" if each.valid_from > today else "in force" if in_force == each else "replaced"
        lines.append(TableLine(each, status))
    return lines


async def _unknown(visit: Visit) -> list[Unknown]:
    async with visit.setting.database.transaction() as tx:
        found = await worklist.unknown_values(tx)
    return [
        Unknown(
            each["table_name"],
            each["key"],
            each["entity"],
            each["waiting"],
            each["since"],
            f"/holds/H-{each['hold_id']}",
        )
        for each in found
    ]
