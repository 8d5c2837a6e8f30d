"""Invoices: work and invoices by stage with sums, one invoice, and what proves each of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.closed import closed_months
from tieout.console.pages import consolidated
from tieout.console.pages.events import href_of as event_href
from tieout.console.pages.events import reading_href
from tieout.console.pages.hold import source_of
from tieout.console.visit import Visit
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.engine.evidence import evidence_pack
from tieout.store import board, firm, lineage
from tieout.store.entry_story import EntryStory, entry_story
from tieout.store.lineage import Evidence, Line, Lineage, Manual
from tieout.store.usage_story import Measured

# Stage → its title, the column of its sum, and for work the column that says whether a project is at this stage.
_STAGES: Mapping[str, tuple[str, str, str]] = {
    "captured": ("Not approved", "unapproved", "unapproved_minutes"),
    "approved": ("Approved time", "approved", "approved_minutes"),
    "blocked": ("Blocked", "blocked", "blocked_entries"),
    "unbilled": ("Not invoiced", "unbilled", "unbilled_minutes"),
    "at_risk": ("At risk", "at_risk", "at_risk_minutes"),
    "set_aside": ("Set aside", "set_aside", "set_aside_minutes"),
    "proposed": ("Proposed", "net", ""),
    "billed": ("Invoiced", "net", ""),
    "open": ("Open", "open", ""),
    "paid": ("Paid", "paid", ""),
    "cancelled": ("Withdrawn", "net", ""),
}
_MINUTES = {"captured": "unapproved_minutes", "approved": "approved_minutes", "at_risk": "at_risk_minutes",
            "set_aside": "set_aside_minutes"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StageTab:
    title: str
    href: str
    count: int
    sums: tuple[Money, ...]
    current: bool


@dataclass(frozen=True, slots=True)
class WorkRow:
    """The time of one project; `money` is what the stage's sum adds up."""

    project: str
    name: str
    engagement: str
    entity: str
    entries: int
    first_day: date
    last_day: date
    minutes: Decimal
    blocked_entries: int
    money: Money


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    key: str
    number: str
    customer: str
    project: str
    entity: str
    state: str
    through: date
    invoice_date: date | None
    due_date: date | None
    net: Money
    total: Money | None
    paid: Money
    open: Money
    money: Money
    overdue: bool

    @property
    def href(self) -> str:
        return f"/invoices/{quote(self.key, safe='')}"


@dataclass(frozen=True, slots=True)
class Invoices:
    """The page's own variables."""

    template: ClassVar[str] = "invoices.html"

    title: str
    stages: tuple[StageTab, ...]
    work: tuple[WorkRow, ...]
    invoices: tuple[InvoiceRow, ...]
    sums: tuple[Money, ...]
    is_work: bool
    measure: str
    scope: str
    unscoped: str
    closed: tuple[str, ...]
    sees_costs: bool


@dataclass(frozen=True, slots=True)
class Amounts:
    """An invoice's figures; those that the ERP has not said yet are None."""

    net: Money
    tax: Money | None
    total: Money | None
    open: Money | None
    paid: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice with its lines."""

    template: ClassVar[str] = "invoice.html"

    key: str
    number: str
    state: str
    entity: str
    customer: str
    customer_key: str
    project: str
    project_key: str
    engagement: str
    through: date
    invoice_date: date | None
    due_date: date | None
    currency: str
    amounts: Amounts
    lines: Sequence[Line]
    manual: Sequence[Manual]
    payments: tuple[tuple[str, date, Money], ...]
    verdict: str
    record: str
    record_address: str
    may_credit: bool
    disputed: str
    consolidated: str
    proposed_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain from the deal to the invoice."""

    title: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Proof:
    """One line and every entry beneath it."""

    template: ClassVar[str] = "proof.html"

    key: str
    number: str
    currency: str
    line: Line
    chain: tuple[Link, ...]
    rows: tuple[tuple[Evidence, str, str], ...]
    readings: tuple[tuple[Measured, str, Money], ...]
    evidence_sum: Money
    rounding: Money
    amount: Money
    difference: Money
    erp: Money | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A time entry and what became of it."""

    template: ClassVar[str] = "entry.html"

    story: EntryStory
    address: str
    money: Money | None


async def show(visit: Visit) -> Response:
    stage = visit.query("stage") if visit.query("stage") in _STAGES else "unbilled"
    scope = {name: visit.query(name) for name in ("entity", "currency") if visit.query(name)}
    entity, currency = scope.get("entity", ""), scope.get("currency", "")
    tabs: list[StageTab] = []
    rows: list[dict[str, Any]] = []
    async with visit.setting.database.transaction() as tx:
        work = await board.work(tx, entity=entity, currency=currency)
        ledgers = [each for each in await firm.connections(tx) if each["role"] == "erp"]
        for name, (title, column, present) in _STAGES.items():
            found = (
                [each for each in work if each[present] or each[column]]
                if present
                else await board.invoices(tx, name, entity=entity, currency=currency)
            )
            sums = wording.sums(wording.amount(each[column], each["currency"]) for each in found)
            address = f"/invoices?{urlencode({'stage': name, **scope})}"
            tabs.append(StageTab(title, address, len(found), sums, name == stage))
            rows = found if name == stage else rows
    title, column, is_work = _STAGES[stage]
    context = Invoices(
        title=title,
        stages=tuple(each for each in tabs if each.count or each.current),
        work=tuple(_work_row(each, stage, column) for each in rows) if is_work else (),
        invoices=tuple(_invoice_row(each, column, visit) for each in rows) if not is_work else (),
        sums=wording.sums(wording.amount(each[column], each["currency"]) for each in rows),
        is_work=bool(is_work),
        measure={"net": "net", "open": "open, with tax", "paid": "paid, with tax"}.get(column, "at agreed rates"),
        scope=" · ".join(value if value != "-" else "no entity" for value in scope.values()),
        unscoped=f"/invoices?{urlencode({'stage': stage})}",
        closed=tuple(said for each in ledgers for said in closed_months(each, visit.now.astimezone(visit.zone).date())),
        sees_costs=visit.may("cost.match"),
    )
    return await visit.page(context)


async def one(visit: Visit) -> Response:
    gathers = await consolidated.page(visit, visit.request.path_params["key"])
    if gathers is not None:
        return gathers
    found = await _lineage(visit)
    invoice = found.invoice
    currency, key = invoice["currency"], invoice["key"]
    record = f"{invoice['connection']}/{invoice['record_id']}" if invoice["record_id"] else ""
    address = (
        source_of(visit.setting.link(Ref(invoice["connection"], "invoice", invoice["record_id"]))) if record else ""
    )
    same = (
        "number", "state", "entity", "engagement", "disputed", "through", "invoice_date", "due_date", "proposed_at", "changed_at",
    )  # fmt: skip
    payments = tuple((each["id"], each["paid_on"], Money(each["amount"], currency)) for each in found.payments)
    return await visit.page(
        Invoice(
            key=key,
            **{name: invoice[name] for name in same},
            customer=_name(found.customer, invoice["customer"]),
            customer_key=invoice["customer"],
            project=_name(found.project, invoice["project"]),
            project_key=invoice["project"],
            currency=currency,
            amounts=_amounts(invoice, sum((money for _, _, money in payments), Money.zero(currency))),
            lines=found.lines,
            manual=found.manual,
            payments=payments,
            verdict=found.verdict,
            record=record,
            record_address=address,
            consolidated=invoice["consolidated"] or "",
            may_credit=visit.may("credit.decide")
            and invoice["state"] in board.STAGES["billed"]
            and not invoice["corrects"],
        ),
    )


def _amounts(invoice: Mapping[str, Any], paid: Money) -> Amounts:
    currency = invoice["currency"]
    said = (wording.amount(invoice[name], currency) for name in ("tax", "total", "open_amount"))
    return Amounts(Money(invoice["net"], currency).rounded(), *said, paid=paid)


async def line(visit: Visit) -> Response:
    wanted = visit.request.path_params["line"]
    found = await _lineage(visit, entries_of=wanted)
    chosen = next((each for each in found.lines if each.line == wanted), None)
    if chosen is None:
        raise HTTPException(404, f"Invoice {found.invoice['key']} has no line {wanted!r}.")
    invoice, currency = found.invoice, found.invoice["currency"]
    rows = tuple(
        (
            each,
            f"/entries/{quote(each.connection, safe='')}/{quote(each.source_id, safe='')}",
            source_of(visit.setting.link(Ref(each.connection, "time_entry", each.source_id))),
        )
        if each.kind == "time"
        else (each, event_href(each.connection, each.source_id), "")
        for each in chosen.evidence
    )
    return await visit.page(
        Proof(
            key=invoice["key"],
            number=invoice["number"],
            currency=currency,
            line=chosen,
            chain=_chain(found, chosen),
            rows=rows,
            readings=tuple(
                (one, reading_href(one.source, one.source_id), Money(one.share, currency))
                for each in chosen.evidence
                for one in each.readings
            ),
            evidence_sum=Money(chosen.evidence_sum, currency),
            rounding=Money(chosen.rounding, currency),
            amount=Money(chosen.amount, currency),
            difference=Money(chosen.difference, currency),
            erp=wording.amount(chosen.erp_amount, currency),
        ),
    )


async def pack(visit: Visit) -> Response:
    """The evidence pack of an invoice, or of the line that the address asks for."""
    visit.require_money()
    key, setting = visit.request.path_params["key"], visit.setting
    made = await evidence_pack(setting.database, setting.clock, key, reader=visit.actor, line=visit.query("line"))
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.data, headers=headers, media_type="application/zip")


async def entry(visit: Visit) -> Response:
    connection, source_id = visit.request.path_params["connection"], visit.request.path_params["id"]
    async with visit.setting.database.transaction() as tx:
        found = await entry_story(tx, connection, source_id)
    if found is None:
        raise HTTPException(404, f"There is no time entry {source_id!r} of {connection}.")
    rate = found.entry["agreed_rate"]
    worth = rate * found.approved_minutes / 60 if rate is not None else None
    address = source_of(visit.setting.link(Ref(connection, "time_entry", source_id)))
    return await visit.page(Entry(found, address, wording.amount(worth, found.entry["currency"])))


async def _lineage(visit: Visit, *, entries_of: str = "") -> Lineage:
    """The invoice that the address names, with the entries of one line."""
    key = visit.request.path_params["key"]
    async with visit.setting.database.transaction() as tx:
        found = await lineage.of_invoice(tx, key, entries_of=[entries_of] if entries_of else [])
    exact = [each for each in found if each.invoice["key"] == key] or found
    if not exact:
        raise HTTPException(404, f"There is no invoice {key!r}.")
    return exact[0]


def _chain(found: Lineage, line: Line) -> tuple[Link, ...]:
    """From the deal to the invoice, as far as the books go."""
    invoice = found.invoice
    contracts = sorted({each.contract_version for each in line.evidence})
    cards = sorted({f"{each.rate_card} v{each.rate_card_version}" for each in line.evidence if each.rate_card})
    mappings = sorted({each.mapping for each in line.evidence if each.mapping})
    engagement, project = invoice["engagement"], invoice["project"]
    deal = (
        f"{found.deal['connection']} {found.deal['record_id']}" if found.deal else _name(found.engagement, engagement)
    )
    return (
        Link("Deal", deal, f"/documents/engagement/{engagement}"),
        Link("Contract", ", ".join(f"v{each}" for each in contracts) or "-", f"/documents/engagement/{engagement}"),
        Link("Rate card", ", ".join(cards) or "-", ""),
        Link("Project", _name(found.project, project), f"/documents/project/{project}"),
        Link(line.kind.capitalize(), wording.count(len(line.evidence), "entry", "entries"), ""),
        Link("Mapping", ", ".join(mappings) or "-", ""),
        Link("Invoice", invoice["number"] or invoice["key"], f"/invoices/{quote(invoice['key'], safe='')}"),
    )


def _name(document: Mapping[str, Any] | None, key: str) -> str:
    return str(document["body"].get("name") or key) if document else key


def _work_row(stored: Mapping[str, Any], stage: str, column: str) -> WorkRow:
    same = ("project", "name", "entity", "entries", "first_day", "last_day", "blocked_entries")
    return WorkRow(
        **{name: stored[name] for name in same},
        engagement=stored["engagement"] or "",
        minutes=Decimal(stored[_MINUTES.get(stage, "unbilled_minutes")]),
        money=Money(Decimal(stored[column]), stored["currency"]).rounded(),
    )


def _invoice_row(stored: Mapping[str, Any], column: str, visit: Visit) -> InvoiceRow:
    currency = stored["currency"]
    same = ("key", "number", "entity", "state", "through", "invoice_date", "due_date")
    return InvoiceRow(
        **{name: stored[name] for name in same},
        customer=stored["customer_name"],
        project=stored["project_name"],
        net=Money(stored["net"], currency).rounded(),
        total=wording.amount(stored["total"], currency),
        paid=Money(stored["paid"], currency).rounded(),
        open=Money(Decimal(stored["open"] or 0), currency).rounded(),
        money=Money(Decimal(stored[column] or 0), currency).rounded(),
        overdue=bool(stored["open"] and stored["due_date"] and stored["due_date"] < visit.now.date()),
    )
