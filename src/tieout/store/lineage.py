"""Where a figure on an invoice came from, entry by entry, and what a time entry became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tieout.domain.rating import hours
from tieout.store import documents
from tieout.store.database import Tx, row, rows

Verdict = Literal["ties out", "differs", "not read back yet"]
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One time entry beneath a line, as it was when it was billed. Negative minutes take back what was billed before."""

    connection: str
    source_id: str
    entry_version: str
    person: str
    person_name: str
    project: str
    task: str
    work_date: date
    minutes: int
    rate: Decimal
    agreed: Decimal
    amount: Decimal
    approved_by: str
    approved_at: datetime | None
    contract_version: int
    rate_card: str
    rate_card_version: int
    mapping: str
    notes: str

    @property
    def hours(self) -> Decimal:
        return hours(self.minutes)


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
class Lineage:
    """An invoice from its lines back to the deal. `deal` is the crosswalk row of the CRM's record, where there is one."""

    invoice: Mapping[str, Any]
    lines: Sequence[Line]
    payments: Sequence[Mapping[str, Any]]
    engagement: Mapping[str, Any] | None
    project: Mapping[str, Any] | None
    customer: Mapping[str, Any] | None
    deal: Mapping[str, Any] | None

    @property
    def verdict(self) -> Verdict:
        """The worst of its lines; an invoice whose net is not the sum of its lines differs too."""
        found = {each.verdict for each in self.lines}
        if "differs" in found or self.invoice["net"] != sum((each.amount for each in self.lines), _ZERO):
            return "differs"
        return "not read back yet" if "not read back yet" in found or not self.lines else "ties out"


async def of_invoice(tx: Tx, number_or_key: str, *, entries_of: Sequence[str] | None = None) -> list[Lineage]:
    """The lineage of every invoice with this number, key or ERP id: numbers are unique within a legal entity only.

    `entries_of` names the lines whose entries are read; without it, those of all lines are.
    """
    found = await rows(
        tx,
        """
        select * from invoice where key = %(id)s or (number = %(id)s and number <> '')
          or (record_id = %(id)s and record_id <> '' and not exists (
            select from invoice where key = %(id)s or (number = %(id)s and number <> '')))
        order by entity, key limit 20
        """,
        {"id": number_or_key.strip()},
    )
    return [await _lineage(tx, each, entries_of) for each in found]


async def _lineage(tx: Tx, invoice: dict[str, Any], entries_of: Sequence[str] | None) -> Lineage:
    key = invoice["key"]
    project = await documents.latest(tx, "project", invoice["project"])
    return Lineage(
        invoice=invoice,
        lines=await _lines(tx, invoice, project, entries_of),
        payments=await rows(
            tx, "select id, paid_on, amount from payment where invoice = %s order by paid_on, id", (key,)
        ),
        engagement=await documents.latest(tx, "engagement", invoice["engagement"]),
        project=project,
        customer=await documents.latest(tx, "customer", invoice["customer"]),
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
) -> list[Line]:
    tasks = {each["key"]: each["name"] for each in (project["body"]["tasks"] if project else ())}
    beneath: dict[str, list[Evidence]] = {}
    for each in await _evidence(tx, invoice, entries_of):
        line = each.pop("line")
        each["task"] = tasks.get(each["task"], each["task"])
        beneath.setdefault(line, []).append(Evidence(**each))
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
    in_erp = await _erp_amounts(tx, invoice, stored)
    return [
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
            erp_amount=in_erp.get(each["line"]),
            evidence_sum=each["evidence_sum"],
            minutes=each["minutes"],
            entries=each["entries"],
            evidence=beneath.get(each["line"], []),
        )
        for each in stored
    ]


async def _evidence(tx: Tx, invoice: dict[str, Any], entries_of: Sequence[str] | None) -> list[dict[str, Any]]:
    return await rows(
        tx,
        """
        select e.line, e.connection, e.source_id, e.entry_version, e.person, %(project)s as project, e.task, e.work_date,
          e.minutes, e.rate, e.agreed, e.amount, e.approved_by, e.approved_at, e.contract_version, e.rate_card, e.rate_card_version,
          e.mapping, coalesce(v.body->>'person_name', p.name, '') as person_name, coalesce(v.body->>'notes', '') as notes
        from evidence e left join time_entry_version v
          on v.connection = e.connection and v.source_id = e.source_id and v.version = e.entry_version
        left join (
          select distinct on (key) key, body->>'name' as name from document where kind = 'person' order by key, version desc
        ) p on p.key = e.person
        where e.invoice = %(invoice)s and (%(lines)s::text[] is null or e.line = any(%(lines)s))
        order by e.line, e.work_date, e.person, e.source_id
        """,
        {
            "invoice": invoice["key"],
            "project": invoice["project"],
            "lines": None if entries_of is None else list(entries_of),
        },
    )


async def _erp_amounts(tx: Tx, invoice: dict[str, Any], stored: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What the ERP said of each line when it was last read, from its own record.

    The ERP's lines carry no key of ours. They are matched by their text, and lines of one text in their order; a line of
    ours without a partner, or one of theirs that is left over, makes the whole comparison a difference.
    """
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
        return {}
    theirs: dict[str, list[Decimal]] = {}
    for each in found["lines"]:
        theirs.setdefault(each["description"].strip(), []).append(Decimal(str(each["amount"])))
    matched: dict[str, Decimal] = {}
    for each in stored:
        amounts = theirs.get(each["description"].strip())
        matched[each["line"]] = amounts.pop(0) if amounts else _ZERO
    left_over = sum((amount for amounts in theirs.values() for amount in amounts), _ZERO)
    if left_over and stored:
        matched[stored[-1]["line"]] += left_over
    return matched


@dataclass(frozen=True, slots=True)
class Chapter:
    """One time that an entry met an invoice."""

    what: Literal["billed", "credited", "billed again", "withdrawn"]
    invoice: str
    number: str
    state: str
    line: str
    minutes: int
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryStory:
    """A time entry, every state it was in, and everything it became; `at_risk` while nobody has signed for it.

    `holds` are those for problems of its kind.
    """

    entry: Mapping[str, Any]
    versions: Sequence[Mapping[str, Any]]
    chapters: Sequence[Chapter]
    approved_minutes: int
    billed_minutes: int
    project_name: str = ""
    person_name: str = ""
    at_risk: bool = False
    holds: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])

    @property
    def unbilled_minutes(self) -> int:
        return self.approved_minutes - self.billed_minutes


async def entry_story(tx: Tx, connection: str, source_id: str) -> EntryStory | None:
    """What a time entry became: delivered, billed, credited, billed again; None when the hub never saw it."""
    entry = await row(tx, "select * from time_entry where connection = %s and source_id = %s", (connection, source_id))
    if entry is None:
        return None
    versions = await rows(
        tx,
        """
        select version, seen_at, body from time_entry_version where connection = %s and source_id = %s
        order by version collate "C"
        """,
        (connection, source_id),
    )
    met = await rows(
        tx,
        """
        select i.key, i.number, i.state, i.currency, i.proposed_at, e.line, e.minutes, e.amount
        from evidence e join invoice i on i.key = e.invoice where e.connection = %s and e.source_id = %s
        order by i.proposed_at, i.key, e.line
        """,
        (connection, source_id),
    )
    project = await documents.latest(tx, "project", entry["project"])
    chapters = _chapters(met)
    return EntryStory(
        entry=entry,
        versions=versions,
        chapters=chapters,
        approved_minutes=entry["billable_minutes"] if entry["state"] == "approved" else 0,
        billed_minutes=sum(each.minutes for each in chapters if each.what != "withdrawn"),
        project_name=project["body"]["name"] if project else "",
        person_name=(versions[-1]["body"].get("person_name") or "") if versions else "",
        at_risk=bool(project) and project["body"]["contract_version"] == 0,
        holds=await rows(
            tx,
            "select * from hold where state = 'open' and code = %s and subject = %s order by due_at limit 20",
            (entry["problem"], f"{connection}/time"),
        ),
    )


def _chapters(met: Sequence[Mapping[str, Any]]) -> list[Chapter]:
    chapters: list[Chapter] = []
    billed_before = False
    for each in met:
        if each["state"] == "cancelled":
            what = "withdrawn"
        elif each["minutes"] < 0:
            what = "credited"
        else:
            what = "billed again" if billed_before else "billed"
            billed_before = True
        chapters.append(
            Chapter(
                what, each["key"], each["number"], each["state"], each["line"], each["minutes"], each["amount"],
                each["currency"], each["proposed_at"],
            )
        )  # fmt: skip
    return chapters
