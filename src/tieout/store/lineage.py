"""Where a figure on an invoice came from, entry by entry and fee by fee; what finance added or gathered in the ERP is told as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tieout.domain.charging.pieces import EventKind
from tieout.domain.money import Money
from tieout.domain.rating import hours
from tieout.store import documents
from tieout.store.database import Tx, row, rows
from tieout.store.usage_story import Measured, measured, shared

Verdict = Literal["ties out", "differs", "not read back yet"]
_ZERO = Decimal(0)
# Of what evidence stands on, what a person reads elsewhere.
UNSAID = ("name", "product", "taxed", "whole", "readings")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One time entry beneath a line, as it was when it was billed. Negative minutes take back what was billed before.

    What is no time has no rate and no person; `basis` says what of the contract it stands on, and `readings` what a month of
    usage was metered by.
    """

    connection: str
    source_id: str
    entry_version: str
    person: str
    person_name: str
    project: str
    task: str
    work_date: date
    minutes: int
    rate: Decimal | None
    agreed: Decimal | None
    amount: Decimal
    approved_by: str
    approved_at: datetime | None
    contract_version: int
    rate_card: str
    rate_card_version: int
    mapping: str
    notes: str
    kind: EventKind = "time"
    basis: Mapping[str, str] = field(default_factory=dict[str, str])
    # Of a month before the invoice's: it keeps its day, and is billed where a period is open (T21).
    late: bool = False
    readings: Sequence[Measured] = ()

    @property
    def hours(self) -> Decimal:
        return hours(self.minutes)

    @property
    def stands_on(self) -> str:
        """What of the contract it stands on, in words: package RETAINER, package version 1, block 2026-10-01."""
        if not self.basis:
            return ""
        facts = {name: value for name, value in self.basis.items() if name not in UNSAID}
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice line with what proves it: evidence + rounding = amount, and the ERP's own line says the same.

    Sum, minutes and number of entries are of all of its evidence, whether or not the entries themselves were read.
    """

    line: str
    position: int
    task: str
    role: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    rounding: Decimal
    erp_amount: Decimal | None
    evidence_sum: Decimal
    minutes: int
    entries: int
    evidence: Sequence[Evidence]
    # The ERP's line that gathers this one with others, where finance put several of ours into one.
    gathered_in: str = ""
    kind: EventKind = "time"
    product: str = ""

    @property
    def difference(self) -> Decimal:
        """What the evidence does not explain; 0 when the line is proved."""
        return self.amount - self.evidence_sum - self.rounding

    @property
    def verdict(self) -> Verdict:
        if self.difference or (self.erp_amount is not None and self.erp_amount != self.amount):
            return "differs"
        return "ties out" if self.erp_amount is not None else "not read back yet"


@dataclass(frozen=True, slots=True)
class Manual:
    """A line that the ERP has and the hub never proposed: finance added it by hand, and no work stands beneath it (T53)."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Lineage:
    """An invoice from its lines back to the deal. `deal` is the crosswalk row of the CRM's record, where there is one."""

    invoice: Mapping[str, Any]
    lines: Sequence[Line]
    manual: Sequence[Manual]
    payments: Sequence[Mapping[str, Any]]
    engagement: Mapping[str, Any] | None
    project: Mapping[str, Any] | None
    customer: Mapping[str, Any] | None
    deal: Mapping[str, Any] | None

    @property
    def verdict(self) -> Verdict:
        """The worst of its lines; an invoice with a line by hand, or whose net is not the sum of its lines, differs too."""
        found = {each.verdict for each in self.lines}
        if (
            any(each.amount for each in self.manual)
            or "differs" in found
            or self.invoice["net"] != sum((each.amount for each in self.lines), _ZERO)
        ):
            return "differs"
        return "not read back yet" if "not read back yet" in found or not self.lines else "ties out"


async def of_invoice(tx: Tx, number_or_key: str, *, entries_of: Sequence[str] | None = None) -> list[Lineage]:
    """The lineage of every invoice with this number, key or ERP id: numbers are unique within a legal entity only.

    Of a document that gathers several engagements, that of each, by our key of the document too.

    `entries_of` names the lines whose entries are read; without it, those of all lines are.
    """
    found = await rows(
        tx,
        """
        select * from invoice where key = %(id)s or (number = %(id)s and number <> '')
          or (consolidated = %(id)s and corrects is null)
          or (record_id = %(id)s and record_id <> '' and not exists (
            select from invoice where key = %(id)s or (number = %(id)s and number <> '')))
        order by entity, key
        """,
        {"id": number_or_key.strip()},
    )
    return [await _lineage(tx, each, entries_of) for each in found]


async def _lineage(tx: Tx, invoice: dict[str, Any], entries_of: Sequence[str] | None) -> Lineage:
    key = invoice["key"]
    behind = await documents.newest(tx, {kind: invoice[kind] for kind in ("project", "engagement", "customer")})
    project = behind.get("project")
    lines, manual = await _lines(tx, invoice, project, entries_of)
    return Lineage(
        invoice=invoice,
        lines=lines,
        manual=manual,
        payments=await rows(
            tx, "select id, paid_on, amount from payment where invoice = %s order by paid_on, id", (key,)
        ),
        engagement=behind.get("engagement"),
        project=project,
        customer=behind.get("customer"),
        deal=await row(
            tx,
            """
            select x.* from crosswalk x join connection c on c.name = x.connection and c.role = 'crm'
            where x.kind = 'engagement' and x.key = %s and not x.alias limit 1
            """,
            (invoice["engagement"],),
        ),
    )


async def _lines(
    tx: Tx, invoice: dict[str, Any], project: dict[str, Any] | None, entries_of: Sequence[str] | None
) -> tuple[list[Line], Sequence[Manual]]:
    tasks = {each["key"]: each["name"] for each in (project["body"]["tasks"] if project else ())}
    beneath: dict[str, list[Evidence]] = {}
    evidence = await _evidence(tx, invoice, entries_of)
    sets = await measured(tx, [each["basis"]["readings"] for each in evidence if each["kind"] == "usage"])
    for each in evidence:
        line = each.pop("line")
        each["task"] = tasks.get(each["task"], each["task"])
        of = sets.get(each["basis"].get("readings", ""), ())
        readings = shared(of, Money(each["amount"], invoice["currency"])) if of else ()
        beneath.setdefault(line, []).append(Evidence(**each, readings=readings))
    stored = await rows(
        tx,
        """
        select l.*, coalesce(e.amount, 0) as evidence_sum, coalesce(e.minutes, 0) as minutes, coalesce(e.entries, 0) as entries
        from invoice_line l left join (
          select line, sum(amount) as amount, sum(minutes) as minutes, count(*) as entries from evidence
          where invoice = %(key)s group by line
        ) e on e.line = l.line
        where l.invoice = %(key)s order by l.position, l.line
        """,
        {"key": invoice["key"]},
    )
    told = await _told(tx, invoice, stored)
    lines = [
        Line(
            line=each["line"],
            position=each["position"],
            task=tasks.get(each["task"], each["task"]),
            role=each["role"],
            description=each["description"],
            quantity=each["quantity"],
            unit_price=each["unit_price"],
            amount=each["amount"],
            rounding=each["rounding"],
            erp_amount=told.amounts.get(each["line"]),
            gathered_in=told.gathered.get(each["line"], ""),
            evidence_sum=each["evidence_sum"],
            minutes=each["minutes"],
            entries=each["entries"],
            evidence=beneath.get(each["line"], []),
            kind=each["kind"],
            product=each["product"],
        )
        for each in stored
    ]
    return lines, told.manual


async def _told(tx: Tx, invoice: dict[str, Any], ours: Sequence[Mapping[str, Any]]) -> Beside:
    """What the ERP has beside these lines. On a document of several engagements the others' lines are told from those by hand,
    which stand with the first of them."""
    theirs = await _erp_lines(tx, invoice)
    if invoice["consolidated"] is None or theirs is None:
        return beside(ours, theirs)
    everything = await rows(
        tx,
        """
        select l.*, i.key || ' ' || l.line as line from invoice i join invoice_line l on l.invoice = i.key
        where i.consolidated = %s and i.record_id = %s order by i.key, l.position, l.line
        """,
        (invoice["consolidated"], invoice["record_id"]),
    )
    all_ = beside(everything, theirs)
    mine = f"{invoice['key']} "
    return Beside(
        {name.removeprefix(mine): each for name, each in all_.amounts.items() if name.startswith(mine)},
        {name.removeprefix(mine): each for name, each in all_.gathered.items() if name.startswith(mine)},
        all_.manual if everything[0]["invoice"] == invoice["key"] else (),
    )


async def _evidence(tx: Tx, invoice: dict[str, Any], entries_of: Sequence[str] | None) -> list[dict[str, Any]]:
    return await rows(
        tx,
        """
        select e.line, e.connection, e.source_id, e.entry_version, e.person, %(project)s as project, e.task, e.work_date,
          e.minutes, e.rate, e.agreed, e.amount, e.approved_by, e.approved_at, e.contract_version, e.rate_card, e.rate_card_version,
          e.mapping, e.kind, e.basis, e.work_date < date_trunc('month', %(through)s::date) as late,
          coalesce(v.body->>'person_name', p.name, '') as person_name, coalesce(v.body->>'notes', '') as notes
        from evidence e left join time_entry_version v
          on v.connection = e.connection and v.source_id = e.source_id and v.version = e.entry_version
        left join lateral (
          select body->>'name' as name from document where kind = 'person' and key = e.person and v.body->>'person_name' is null
          order by version desc limit 1
        ) p on true
        where e.invoice = %(invoice)s and (%(lines)s::text[] is null or e.line = any(%(lines)s))
        order by e.line, e.work_date, e.person, e.source_id
        """,
        {
            "invoice": invoice["key"],
            "through": invoice["through"],
            "project": invoice["project"],
            "lines": None if entries_of is None else list(entries_of),
        },
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """What the ERP has beside our lines: amounts by line key, which of its lines gathers several of ours, and what is by hand."""

    amounts: Mapping[str, Decimal]
    gathered: Mapping[str, str]
    manual: Sequence[Manual]


def beside(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Manual] | None) -> Beside:
    """Our lines beside the ERP's; nothing where it was not read back (`theirs` is None).

    The ERP's lines carry no key of ours: they are matched by text and price, then by text alone, and those of one text in
    their order. Where all of ours that are left come to one of theirs to the cent, finance has gathered them in it (T52).
    A line of ours without a partner is worth nothing in the ERP; one of theirs without is by hand.
    """
    if theirs is None:
        return Beside({}, {}, ())
    amounts: dict[str, Decimal] = {}
    left, without = list(theirs), list(ours)
    for alike in (_text_and_price, _text):
        for each in list(without):
            mate = next((one for one in left if alike(each, one)), None)
            if mate is not None:
                amounts[each["line"]] = mate.amount
                left.remove(mate)
                without.remove(each)
    gathered: dict[str, str] = {}
    whole = sum((each["amount"] for each in without), _ZERO)
    into = next((one for one in left if one.amount == whole), None) if len(without) > 1 else None
    if into is not None:
        left.remove(into)
    for each in without:
        amounts[each["line"]] = _ZERO if into is None else each["amount"]
        if into is not None:
            gathered[each["line"]] = into.description
    return Beside(amounts, gathered, tuple(left))


def _text(ours: Mapping[str, Any], theirs: Manual) -> bool:
    return ours["description"].strip() == theirs.description.strip()


def _text_and_price(ours: Mapping[str, Any], theirs: Manual) -> bool:
    return _text(ours, theirs) and ours["unit_price"] == theirs.unit_price


async def _erp_lines(tx: Tx, invoice: dict[str, Any]) -> list[Manual] | None:
    """The ERP's lines as it told them when the invoice was last read; None before."""
    found = await row(
        tx,
        """
        select payload->'lines' as lines from message
        where connection = %s and kind = 'invoice' and record_id = %s and payload ? 'lines'
        order by version collate "C" desc limit 1
        """,
        (invoice["connection"], invoice["record_id"]),
    )
    if found is None:
        return None
    return [
        Manual(
            description=each["description"],
            quantity=Decimal(str(each.get("quantity", 1))),
            unit_price=Decimal(str(each.get("unit_price", each["amount"]))),
            amount=Decimal(str(each["amount"])),
        )
        for each in found["lines"]
    ]
