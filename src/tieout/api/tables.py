"""Value tables: what differs from firm to firm, row by row, with effective dates and a second pair of eyes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import Mistake, documented, mistaken, not_found
from tieout.api.services import Services
from tieout.api.shapes import Id, Line, Number, Released, Word, picked
from tieout.api.visit import Reading, Right, Visit, tagged
from tieout.domain.firm import ValueTable
from tieout.domain.values import ANY, ValueRow
from tieout.store import firm, listing


class Table(BaseModel):
    """A table of the firm folder."""

    name: str
    purpose: str
    four_eyes: bool = Field(description="Whether a change waits for a second person")
    rows: int
    waiting: int


class Tables(BaseModel):
    """Every table of the firm."""

    items: list[Table]


class Row(BaseModel):
    """`key` means `value` in `entity` (* is every entity) from a day on."""

    id: int
    key: str
    value: str
    entity: str
    valid_from: date
    author: str
    waiting: bool
    approved_by: str | None
    created_at: datetime


class TableRows(Table):
    """A table with all of its rows, the waiting ones among them."""

    items: list[Row]


class NewRow(BaseModel):
    """A row to add; without a day it is in force from the firm's business day on."""

    key: Line
    value: Line
    entity: Word = ANY
    valid_from: date | None = None


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(prefix="/tables", tags=["value tables"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="The value tables")
    router.add_api_route(
        "/{table}", read, summary="One table with its rows", response_model=TableRows, responses=documented(404)
    )
    acts = documented(404, 409, 413)
    router.add_api_route(
        "/{table}/rows",
        add,
        methods=["POST"],
        summary="Add a row, and let everything go on that waited for it",
        response_model=Released,
        responses=acts,
    )
    router.add_api_route(
        "/{table}/rows/{row}/approve",
        approve,
        methods=["POST"],
        summary="The second pair of eyes; never the author's own",
        response_model=Released,
        responses=acts,
    )
    return router


async def listed(visit: Looking) -> Tables:
    async with visit.hub.database.transaction() as tx:
        in_force, waiting = await firm.values(tx), await firm.waiting_values(tx)
    return Tables(
        items=[
            _table(
                each,
                sum(row.table == each.name for row in in_force),
                sum(row.table == each.name for row in waiting),
            )
            for each in visit.hub.firm().tables
        ]
    )


async def read(visit: Looking, table: Id) -> Response:
    known = _known(visit.hub, table)
    async with visit.hub.database.transaction() as tx:
        rows = await listing.values(tx, table)
    waiting = sum(each["waiting"] for each in rows)
    head = _table(known, len(rows) - waiting, waiting).model_dump()
    return tagged(visit, TableRows(**head, items=[picked(Row, each) for each in rows]))


async def add(visit: Annotated[Visit, Depends(Right("value.set"))], table: Id, row: NewRow) -> Response:
    known = _known(visit.hub, table)
    entities: list[Any] = [ANY, *(each.code for each in visit.hub.firm().entities)]
    if row.entity not in entities:
        raise mistaken([Mistake(where="body.entity", what=f"One of {', '.join(entities)}.")])
    since = row.valid_from or visit.hub.calendar()
    value = ValueRow(table, row.key, row.value, row.entity, since, author=visit.actor.email)

    async def act() -> Released:
        released = await visit.hub.operator.set_value(value, four_eyes=known.four_eyes)
        return Released.of(released)

    return await visit.once(act)


async def approve(visit: Annotated[Visit, Depends(Right("value.approve"))], table: Id, row: Number) -> Response:
    _known(visit.hub, table)

    async def act() -> Released:
        async with visit.hub.database.transaction() as tx:
            found = await firm.waiting_value(tx, row)
        if found is None or found.table != table:
            raise not_found(f"row {row} of {table} that waits for approval")
        released = await visit.hub.operator.approve_value(row, actor=visit.actor.email)
        return Released.of(released)

    return await visit.once(act)


def _known(hub: Services, table: str) -> ValueTable:
    found = hub.firm().table(table)
    if found is None:
        raise not_found("such value table")
    return found


def _table(each: ValueTable, rows: int, waiting: int) -> Table:
    return Table(name=each.name, purpose=each.purpose, four_eyes=each.four_eyes, rows=rows, waiting=waiting)
