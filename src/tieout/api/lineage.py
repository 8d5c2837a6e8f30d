"""Where an invoice's figures came from, and what a time entry became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented, not_found
from tieout.api.shapes import Amount, Filter, Id, amount, picked
from tieout.api.visit import Reading, Visit, tagged
from tieout.domain.charging.pieces import EventKind
from tieout.engine.evidence import evidence_pack
from tieout.store import lineage
from tieout.store.entry_story import Chapter as Met
from tieout.store.entry_story import EntryStory, entry_story
from tieout.store.event_story import event_story
from tieout.store.lineage import Evidence, Line, Lineage, Manual, Verdict


class InvoiceFacts(BaseModel):
    """An invoice as the ERP decided it; tax, total and what is open are unknown until it was read back."""

    key: str
    number: str
    state: Literal["proposed", "draft", "validated", "posted", "partly_paid", "paid", "cancelled"]
    entity: str
    customer: str
    engagement: str
    project: str
    through: date
    invoice_date: date | None
    due_date: date | None
    net: Amount
    tax: Amount | None
    total: Amount | None
    open: Amount | None
    paid: Amount
    consolidated: str | None = Field(description="Our key of the document that it shares with other engagements")


class MeasuredBody(BaseModel):
    """A reading of metered usage in the version that was billed, and its share of the amount."""

    source: str
    source_id: str
    version: int
    day: date
    units: str
    share: Amount


class EvidenceBody(BaseModel):
    """What is beneath a line: a time entry, or a fee with what it stands on; what is negative takes back what was billed before."""

    kind: EventKind

    connection: str
    source_id: str
    entry_version: str
    person: str
    person_name: str
    project: str
    task: str
    work_date: date
    late: bool = Field(description="Of a month before the invoice's: it keeps its day")
    minutes: int
    hours: str
    rate: Amount | None = Field(description="Of time alone")
    amount: Amount
    approved_by: str
    approved_at: datetime | None
    contract_version: int
    rate_card: str
    rate_card_version: int
    mapping: str
    notes: str
    basis: dict[str, str] = Field(description="What of the contract it stands on, where it is no time")
    readings: list[MeasuredBody] = Field(
        description="What a month of usage was metered by; their shares are its amount"
    )


class LineBody(BaseModel):
    """evidence_sum + rounding = amount = erp_amount, or the verdict says that it differs."""

    line: str
    position: int
    kind: EventKind
    product: str = Field(description="What the ERP sells it as, where it is no time")
    description: str
    task: str
    role: str
    quantity: str
    unit_price: Amount
    amount: Amount
    rounding: Amount
    erp_amount: Amount | None
    evidence_sum: Amount
    difference: Amount
    gathered_in: str = Field(description="The ERP's line that gathers this one with others; empty when it has its own")
    verdict: Verdict
    entries: int
    minutes: int
    evidence: list[EvidenceBody]


class ManualBody(BaseModel):
    """A line that finance added in the ERP by hand: no work stands beneath it."""

    description: str
    quantity: str
    unit_price: Amount
    amount: Amount


class LineageBody(BaseModel):
    """From the invoice back to the deal."""

    invoice: InvoiceFacts
    verdict: Verdict
    lines: list[LineBody]
    manual: list[ManualBody]
    engagement: str
    deal: str | None = Field(description="connection/id of the deal in the CRM")
    project: str
    project_name: str
    customer_name: str


class Lineages(BaseModel):
    """A number is unique within a legal entity only: each invoice that has it."""

    items: list[LineageBody]


class Chapter(BaseModel):
    """One time that an entry met an invoice."""

    what: Literal["billed", "credited", "billed again", "withdrawn"]
    invoice: str
    number: str
    state: str
    line: str
    minutes: int
    amount: Amount
    at: datetime


class Aside(BaseModel):
    """What the contract has decided not to bill of an entry; `why` names the limit or block that decided."""

    fate: str
    why: str
    minutes: int
    worth: Amount
    decided_at: datetime


class EntryVersion(BaseModel):
    """A state that the entry was in, as its system told it."""

    version: str
    seen_at: datetime
    body: dict[str, Any]


class Story(BaseModel):
    """A time entry: what it is now, every state it was in, and everything it became."""

    connection: str
    source_id: str
    state: Literal["draft", "submitted", "approved", "rejected", "deleted"]
    person: str
    person_name: str
    project: str
    project_name: str
    task: str
    work_date: date
    entity: str | None
    engagement: str | None
    problem: str
    delivered_minutes: int = Field(description="What the ERP's timesheet has of it")
    delivered_id: str
    approved_minutes: int
    billed_minutes: int
    unbilled_minutes: int
    at_risk: bool = Field(description="Nobody has signed for it yet, so it is not billed")
    chapters: list[Chapter]
    aside: list[Aside]
    versions: list[EntryVersion]


class EventBody(BaseModel):
    """Something that is billed and is no time, and everything it became."""

    connection: str
    source_id: str
    kind: Literal["expense", "fee", "usage"]
    name: str
    day: date | None
    engagement: str
    project: str
    worth: Amount | None = Field(
        description="As the contract judged it last; null where it is not judged, or due no more"
    )
    chapters: list[Chapter]
    aside: list[Aside]


Looking = Annotated[Visit, Depends(Reading("look"))]


def routes() -> APIRouter:
    router = APIRouter(tags=["lineage"], responses=documented(401, 403, 404, 422, 429))
    router.add_api_route(
        "/lineage/{invoice:path}",
        backwards,
        summary="The lineage of an invoice, by number or key; of a consolidated one, that of each engagement on it",
        response_model=Lineages,
    )
    router.add_api_route(
        "/evidence/{invoice:path}",
        pack,
        summary="What proves an invoice, in one file that `tieout verify` checks",
        response_class=Response,
        responses={200: {"content": {"application/zip": {}}, "description": "The evidence pack"}},
    )
    router.add_api_route(
        "/entries/{connection}/{source_id:path}",
        forwards,
        summary="What a time entry became: delivered, billed, credited, billed again",
        response_model=Story,
    )
    router.add_api_route(
        "/events/{connection}/{source_id:path}",
        event,
        summary="What an expense, a fee or a unit of usage became",
        response_model=EventBody,
    )
    return router


async def backwards(
    visit: Looking,
    invoice: Id,
    evidence: Annotated[bool, Query(description="With every entry, or with sums only")] = True,
) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await lineage.of_invoice(tx, invoice, entries_of=None if evidence else ())
    if not found:
        raise not_found("such invoice")
    return tagged(visit, Lineages(items=[_lineage(each) for each in found]))


async def pack(
    visit: Looking,
    invoice: Id,
    line: Annotated[Filter, Query(description="One line alone, by its key or position")] = "",
    entity: Annotated[Filter, Query(description="Whose invoice, where two entities have the number")] = "",
) -> Response:
    """What the role of the caller may not see is withheld. Each pack leaves an entry in the audit log."""
    made = await evidence_pack(
        visit.hub.database, visit.hub.clock, invoice, reader=visit.actor, line=line, entity=entity
    )
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "private, no-store"}
    return Response(made.data, headers=headers, media_type="application/zip")


async def forwards(visit: Looking, connection: Id, source_id: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await entry_story(tx, connection, source_id)
    if found is None:
        raise not_found("such time entry")
    return tagged(visit, _story(found))


async def event(visit: Looking, connection: Id, source_id: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await event_story(tx, connection, source_id)
    if found is None:
        raise not_found("such event")
    worth = None if found.worth is None else amount(found.worth, found.currency)
    told = {name: getattr(found, name) for name in EventBody.model_fields}
    chapters, aside = [_chapter(each) for each in found.chapters], _aside(found.aside)
    return tagged(visit, picked(EventBody, told, worth=worth, chapters=chapters, aside=aside))


def invoice_facts(row: Mapping[str, Any]) -> InvoiceFacts:
    """From an invoice's row; `paid` beside it is the sum of its payments."""

    def known(value: Decimal | None) -> Amount | None:
        return None if value is None else amount(value, row["currency"])

    return picked(
        InvoiceFacts,
        row,
        net=amount(row["net"], row["currency"]),
        tax=known(row["tax"]),
        total=known(row["total"]),
        open=known(row["open_amount"]),
        paid=amount(row["paid"], row["currency"]),
    )


def _lineage(found: Lineage) -> LineageBody:
    paid = sum((each["amount"] for each in found.payments), Decimal(0))
    return LineageBody(
        invoice=invoice_facts({**found.invoice, "paid": paid}),
        verdict=found.verdict,
        lines=[_line(each, found.invoice["currency"]) for each in found.lines],
        manual=[_manual(each, found.invoice["currency"]) for each in found.manual],
        engagement=found.invoice["engagement"],
        deal=f"{found.deal['connection']}/{found.deal['record_id']}" if found.deal else None,
        project=found.invoice["project"],
        project_name=found.project["body"]["name"] if found.project else "",
        customer_name=found.customer["body"]["name"] if found.customer else "",
    )


def _line(line: Line, currency: str) -> LineBody:
    return LineBody(
        line=line.line,
        position=line.position,
        kind=line.kind,
        product=line.product,
        description=line.description,
        task=line.task,
        role=line.role,
        quantity=f"{line.quantity:f}",
        unit_price=amount(line.unit_price, currency),
        amount=amount(line.amount, currency),
        rounding=amount(line.rounding, currency),
        erp_amount=None if line.erp_amount is None else amount(line.erp_amount, currency),
        evidence_sum=amount(line.evidence_sum, currency),
        difference=amount(line.difference, currency),
        gathered_in=line.gathered_in,
        verdict=line.verdict,
        entries=line.entries,
        minutes=line.minutes,
        evidence=[_evidence(each, currency) for each in line.evidence],
    )


def _manual(each: Manual, currency: str) -> ManualBody:
    return ManualBody(
        description=each.description,
        quantity=f"{each.quantity:f}",
        unit_price=amount(each.unit_price, currency),
        amount=amount(each.amount, currency),
    )


def _evidence(each: Evidence, currency: str) -> EvidenceBody:
    told = {name: getattr(each, name) for name in EvidenceBody.model_fields}
    return picked(
        EvidenceBody,
        told,
        hours=f"{each.hours:f}",
        rate=None if each.rate is None else amount(each.rate, currency),
        amount=amount(each.amount, currency),
        readings=[
            MeasuredBody(
                source=one.source, source_id=one.source_id, version=one.version, day=one.day,
                units=f"{one.units.normalize():f}", share=amount(one.share, currency),
            )
            for one in each.readings
        ],
    )  # fmt: skip


def _story(found: EntryStory) -> Story:
    return picked(
        Story,
        found.entry,
        person_name=found.person_name,
        project_name=found.project_name,
        approved_minutes=found.approved_minutes,
        billed_minutes=found.billed_minutes,
        unbilled_minutes=found.unbilled_minutes,
        at_risk=found.at_risk,
        chapters=[_chapter(each) for each in found.chapters],
        aside=_aside(found.aside),
        versions=[picked(EntryVersion, each) for each in found.versions],
    )


def _chapter(each: Met) -> Chapter:
    told = {name: getattr(each, name) for name in Chapter.model_fields}
    return picked(Chapter, told, amount=amount(each.amount, each.currency))


def _aside(pieces: Sequence[Mapping[str, Any]]) -> list[Aside]:
    return [picked(Aside, each, worth=amount(each["worth"], each["currency"])) for each in pieces]
