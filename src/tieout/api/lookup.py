"""Where is it? Any id of any system leads to its document, and a document shows all that hangs on it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.books import EntityTotals, totals
from tieout.api.holds import Hold, hold_of
from tieout.api.lineage import InvoiceFacts, invoice_facts
from tieout.api.problem import documented, not_found
from tieout.api.runs import Effect, Run, Step, effect_of
from tieout.api.shapes import Id, picked
from tieout.api.visit import PREFIX, Reading, Visit, tagged
from tieout.store.dossier import DocumentPage, document_page
from tieout.store.lookup import Hit, find

_PLACES = {
    "invoice": "lineage",
    "time_entry": "entries",
    "reading": "usage",
    "hold": "holds",
    "approval": "approvals",
    "run": "runs",
}


class Found(BaseModel):
    """Something that the text may mean."""

    kind: str
    key: str
    title: str
    because: str = Field(description="What agreed")
    href: str = Field(description="Where to read it")


class Hits(BaseModel):
    """The surest first; empty when nobody knows it."""

    items: list[Found]


class Version(BaseModel):
    """One stored version and the fields that it changed."""

    version: int
    created_at: datetime
    fingerprint: str
    changed: list[str]


class Record(BaseModel):
    """One record of the document in one system; an alias is an id that it had before a merge."""

    connection: str
    role: str
    system: str
    kind: str
    record_id: str
    alias: bool
    since: datetime


class RunWithSteps(Run):
    """A run and what it did."""

    steps: list[Step]


class Document(BaseModel):
    """A document with everything that hangs on it."""

    kind: str
    key: str
    title: str
    body: dict[str, Any]
    trail: dict[str, Any] = Field(description="Where each field came from")
    versions: list[Version]
    records: list[Record]
    related: list[Found]
    holds: list[Hold]
    runs: list[RunWithSteps]
    effects: list[Effect]
    invoices: list[InvoiceFacts]
    money: list[EntityTotals]


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(tags=["documents"], responses=documented(401, 403, 422, 429))
    router.add_api_route("/x/{anything:path}", look_up, summary="What an id, a key, a number or a name belongs to")
    router.add_api_route(
        "/documents/{kind}/{key:path}",
        read,
        summary="A document with its trail, versions, records, holds, runs, effects, invoices and money",
        response_model=Document,
        responses=documented(404),
    )
    return router


async def look_up(visit: Looking, anything: Id) -> Hits:
    async with visit.hub.database.transaction() as tx:
        return Hits(items=[_found(each) for each in await find(tx, anything)])


async def read(visit: Looking, kind: Id, key: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        page = await document_page(tx, kind, key)
    if page is None:
        raise not_found("such document")
    return tagged(visit, _document(page))


def _found(hit: Hit) -> Found:
    place = _PLACES.get(hit.kind, f"documents/{hit.kind}")
    return Found(
        kind=hit.kind,
        key=hit.key,
        title=hit.title,
        because=hit.because,
        href=f"{PREFIX}/{place}/{quote(hit.key, safe='/')}",
    )


def _document(page: DocumentPage) -> Document:
    return Document(
        kind=page.kind,
        key=page.key,
        title=page.title,
        body=dict(page.body),
        trail=dict(page.trail),
        versions=[
            Version(
                version=each.version,
                created_at=each.created_at,
                fingerprint=each.fingerprint,
                changed=list(each.changed),
            )
            for each in page.versions
        ],
        records=[picked(Record, each) for each in page.records],
        related=[_found(each) for each in page.related],
        holds=[hold_of(dict(each)) for each in page.holds],
        runs=[picked(RunWithSteps, each, steps=[picked(Step, step) for step in each["steps"]]) for each in page.runs],
        effects=[effect_of(dict(each)) for each in page.effects],
        invoices=[invoice_facts(each) for each in page.invoices],
        money=[totals(each) for each in page.money],
    )
