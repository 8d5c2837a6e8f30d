"""One document for the engagements of a customer, in the books: who is on it, in which version, and what finance decides (T43, T52)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.access import Actor, roles_of
from tieout.domain.charging.billing import Decision
from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.evidence.checking import check
from tieout.domain.money import Money
from tieout.domain.proposal import Proposal, propose
from tieout.engine.corrections import Corrections
from tieout.engine.deeds import Refused, Unknown
from tieout.engine.evidence import evidence_pack
from tieout.store import consolidated, lineage, lookup, messages, runs, time
from tieout.store.database import rows
from tieout.store.figures import figures
from tieout.systems.consolidated import Consolidated
from tieout.systems.credits import Credits
from tieout.systems.drafts import Drafts
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
RULES = (Consolidation(one_per="customer"),)
ANNA = Actor("anna@kestrel.example", "Anna", roles_of(["finance"]))


async def deals(books: Books, number: int, first: int = 1) -> list[Deal]:
    """So many engagements of one customer, each with an hour of work more than the one before; their numbers begin with `first`."""
    made = [await books.deal(n) for n in range(first, first + number)]
    hub = Register(books.database, books.now)
    payer = await hub.engagement(made[0].engagement)
    assert payer is not None
    for n, deal in enumerate(made, 1):
        found = await hub.engagement(deal.engagement)
        assert found is not None
        alike = found.model_copy(update={"customer": payer.customer})
        await hub.save(alike, entity="US", engagement=deal.engagement)
        await books.time(deal, [(f"T{first + n - 1}", 1, 60 * n)])
    return made


async def decide(books: Books, deal: Deal, rules: Sequence[Consolidation] = RULES, period: str = "2026-10") -> Invoice:
    """As the flow does it, without limits: everything unbilled is proposed."""
    hub = Register(books.database, books.now)
    engagement, project = await hub.engagement(deal.engagement), await hub.latest(Project, deal.project)
    assert isinstance(engagement, Engagement)
    assert project is not None
    async with books.database.transaction() as tx:
        work = await time.unbilled(tx, deal.engagement, date(2026, 12, 31))
    made, _ = propose(engagement, project, work, period=period, today=date(2026, 11, 3))
    assert isinstance(made, Proposal)
    assert await hub.decide(project, Decision((), made, ()), (), rules=rules)
    stored = await hub.latest(Invoice, made.invoice.key)
    assert stored is not None
    return stored


async def read(books: Books, sql: Any, *values: Any) -> list[dict[str, Any]]:
    async with books.database.transaction() as tx:
        return await rows(tx, sql, values)


async def the_document(books: Books) -> dict[str, Any]:
    return (await read(books, "select * from consolidated_invoice order by part desc"))[0]


async def drafted(books: Books, version: int = 1, record: str = "77") -> Invoice:
    """The ERP has that version of the newest document as a draft; what was proposed."""
    found = await the_document(books)
    gathered = await Consolidated(books.database, books.now).gather(found["key"], version)
    assert gathered is not None
    async with books.database.transaction() as tx:
        await consolidated.drafted(tx, found["key"], version, "erp-us", record, books.now())
    return gathered.invoice


def told_of(
    invoice: Invoice, *, state: str = "posted", number: str = "2026/0007", paid: str = "0.00"
) -> dict[str, Any]:
    """The ERP's record of the document, with a tax of 8 %."""
    tax = Money(invoice.net * Decimal("0.08"), "USD").rounded().amount
    total, came = invoice.net + tax, Decimal(paid)
    return {
        "reference": invoice.key, "number": number, "state": state, "type": "invoice", "invoice_date": "2026-11-03",
        "due_date": "2026-12-03", "currency": "USD", "net": str(invoice.net), "tax": str(tax), "total": str(total),
        "open_amount": str(total - came), "disputed": "",
        "payments": [{"id": "P1", "paid_on": "2026-11-20", "amount": paid}] if came else [],
        "lines": [
            {name: str(getattr(each, name)) for name in ("description", "quantity", "unit_price", "amount")}
            for each in invoice.lines
        ],
    }  # fmt: skip


async def came_back(books: Books, invoice: Invoice, told: dict[str, Any], record: str = "77") -> None:
    """The record is taken in, and each engagement's share noted."""
    value = Money(Decimal(told["total"]), "USD").minor
    arrival = messages.Arrival(
        "erp-us", "invoice", record, f"{books.now().isoformat()}#{len(told['payments'])}", "USD", value, told
    )
    async with books.database.transaction() as tx:
        stored = await messages.record(tx, [arrival], via="sweep", now=books.now())
        await messages.settle(tx, [each["id"] for each in stored], "done", "", books.now())
    await Consolidated(books.database, books.now).decided(invoice.key, record, "erp-us", told)


async def test_t43_three_engagements_are_one_document_and_each_has_its_share_of_what_is_paid(books: Books) -> None:
    three = await deals(books, 3)
    members = [await decide(books, each) for each in three]
    whole = await drafted(books)
    in_order = sorted(three, key=lambda one: one.engagement)
    assert [each.description[-15:] for each in whole.lines] == [f" ({each.project})" for each in in_order]
    assert whole.net == sum(each.net for each in members) == Decimal("2040.00")
    assert {each["record_id"] for each in await read(books, "select record_id from invoice")} == {"77"}
    await came_back(books, whole, told_of(whole, paid="1000.01", state="partly_paid"))
    stored = await read(
        books,
        """
        select i.key, i.state, i.number, i.net, i.total, i.open_amount, p.amount as paid
        from invoice i join payment p on p.invoice = i.key
        """,
    )
    assert {each["number"] for each in stored} == {"2026/0007"}
    assert {each["state"] for each in stored} == {"partly_paid"}
    assert sum(each["paid"] for each in stored) == Decimal("1000.01")
    assert sum(each["total"] for each in stored) == Decimal("2203.20")
    assert all(each["total"] == each["open_amount"] + each["paid"] for each in stored)
    assert (await figures(books.database)).ties_out


async def test_t52_each_line_of_one_document_keeps_the_evidence_of_its_own_engagement(books: Books) -> None:
    for each in await deals(books, 3):
        await decide(books, each)
    whole = await drafted(books)
    await came_back(books, whole, told_of(whole))
    async with books.database.transaction() as tx:
        by_key, by_number = await lineage.of_invoice(tx, whole.key), await lineage.of_invoice(tx, "2026/0007")
        hits = await lookup.find(tx, whole.key)
    assert [each.invoice["key"] for each in by_key] == [each.invoice["key"] for each in by_number]
    assert [each.key for each in hits] == [each.invoice["key"] for each in by_key]
    assert {each.verdict for each in by_key} == {"ties out"}
    assert [one.source_id for each in by_key for line in each.lines for one in line.evidence] != []
    by_hand = told_of(whole)
    by_hand["lines"].append({"description": "Travel", "quantity": "1", "unit_price": "9.00", "amount": "9.00"})
    await came_back(books, whole, {**by_hand, "payments": [{"id": "x", "paid_on": "2026-11-20", "amount": "0.00"}]})
    async with books.database.transaction() as tx:
        assert [len(each.manual) for each in await lineage.of_invoice(tx, whole.key)] == [1, 0, 0]


async def test_a_pack_of_the_document_and_of_each_of_its_lines_checks_out(
    books: Books,
) -> None:
    three = await deals(books, 3)
    for each in three:
        await decide(books, each)
    whole = await drafted(books)
    await came_back(books, whole, told_of(whole, paid="1000.01", state="partly_paid"))
    for name in (whole.key, "2026/0007"):
        checked = check((await evidence_pack(books.database, books.now, name, reader=ANNA)).data)
        assert checked.findings == ()
        assert checked.facts is not None
        assert (checked.facts.invoice.key, checked.facts.invoice.net) == (whole.key, Decimal("2040.00"))
        assert {each.engagement for each in checked.facts.members} == {each.engagement for each in three}
        assert [each.amount for each in checked.facts.invoice.payments] == [Decimal("1000.01")]
    for position in ("1", "2", "3"):
        checked = check((await evidence_pack(books.database, books.now, whole.key, reader=ANNA, line=position)).data)
        assert checked.findings == ()
        assert checked.facts is not None
        assert len(checked.facts.lines) == 1
    one = check((await evidence_pack(books.database, books.now, f"{three[0].engagement}-2026-10", reader=ANNA)).data)
    assert one.findings == ()
    with pytest.raises(Unknown):
        await evidence_pack(books.database, books.now, whole.key, reader=ANNA, line="4")


async def test_who_is_decided_while_it_is_a_draft_is_on_its_next_version_and_after_that_on_another(
    books: Books,
) -> None:
    first, second, third = await deals(books, 3)
    books_of = Consolidated(books.database, books.now)
    await decide(books, first)
    one = await drafted(books)
    key = one.key
    await decide(books, second)
    again = await books_of.gather(key, 2)
    assert again is not None
    assert (again.drafted, again.record, again.there, len(again.invoice.lines)) == (1, "77", one, 2)
    assert await books_of.gather(key, 1) is None, "an older version drafts nothing any more"
    async with books.database.transaction() as tx:
        await consolidated.taken_back(tx, key, books.now())
    assert {each["state"] for each in await read(books, "select state from invoice")} == {"proposed"}
    two = await drafted(books, 2, "78")
    await decide(books, third)
    await came_back(books, two, told_of(two), "78")
    assert [
        each["consolidated"] for each in await read(books, "select consolidated from invoice order by proposed_at, key")
    ].count(key) == 2
    late = await the_document(books)
    assert (late["key"], late["part"], late["version"]) == (f"{key}-2", 2, 1)
    assert await books_of.move_on(key) is None, "nobody is left behind"
    assert (await drafted(books, 1, "79")).net == Decimal("1020.00")
    assert (await figures(books.database)).ties_out


async def joined_while_it_is_drafted(books: Books, sabotage: frozenset[str] = frozenset()) -> tuple[int, int]:
    """How many lines the ERP was told, and how many the books say it was told, when another one joins between the two."""
    first, second = await deals(books, 2)
    await decide(books, first)
    found, hub = await the_document(books), Consolidated(books.database, books.now, sabotage)
    told = await hub.gather(found["key"], 1)
    await decide(books, second)
    stored = await hub.as_of(found["key"], 1)
    assert told is not None
    assert stored is not None
    return len(told.invoice.lines), len(stored.lines)


async def test_who_joins_while_a_version_is_drafted_is_in_the_next_one(books: Books) -> None:
    assert await joined_while_it_is_drafted(books) == (1, 1)


async def test_a_version_that_is_not_frozen_is_noticed(books: Books) -> None:
    assert await joined_while_it_is_drafted(books, frozenset({"not_frozen"})) == (1, 2)


async def test_two_that_decide_at_once_are_on_one_document(books: Books) -> None:
    some = await deals(books, 6)
    await asyncio.gather(*(decide(books, each) for each in some))
    (found,) = await read(books, "select * from consolidated_invoice")
    assert (found["version"], found["frozen"]) == (1, 0)
    assert len((await drafted(books)).lines) == 6
    kept = [each["consolidated"] for each in await read(books, "select consolidated from invoice")]
    assert kept == [found["key"]] * 6


async def test_by_purchase_order_and_alone_each_is_where_the_rules_say(books: Books) -> None:
    first, second, third = await deals(books, 3)
    hub = Register(books.database, books.now)
    for deal, order in ((first, "4711"), (second, "4712"), (third, " 4711 ")):
        found = await hub.engagement(deal.engagement)
        assert found is not None
        await hub.save(found.model_copy(update={"po_number": order}), entity="US", engagement=deal.engagement)
    for each in (first, second, third):
        await decide(books, each, [Consolidation(one_per="purchase_order")])
    found = await read(
        books,
        "select c.po_number, count(*) as n from consolidated_invoice c join invoice i on i.consolidated = c.key group by 1 order by 1",
    )
    assert [(each["po_number"], each["n"]) for each in found] == [("4711", 2), ("4712", 1)]


async def test_one_document_per_engagement_is_for_its_projects_alone(books: Books) -> None:
    first, second = await deals(books, 2)
    for each in (first, second):
        await decide(books, each, [Consolidation(one_per="engagement")])
    found = await read(books, "select engagement, version from consolidated_invoice order by opened_at, engagement")
    assert sorted((each["engagement"], each["version"]) for each in found) == sorted(
        [(first.engagement, 1), (second.engagement, 1)]
    )


async def test_withdrawing_the_draft_frees_the_work_of_all(books: Books) -> None:
    three = await deals(books, 3)
    for each in three:
        await decide(books, each)
    whole, hub = await drafted(books), Drafts(books.database, books.now)
    assert [(each["key"], each["record_id"], each["net"]) for each in await hub.of("erp-us")] == [
        (whole.key, "77", whole.net)
    ]
    await hub.withdraw(whole.key)
    async with books.database.transaction() as tx:
        for n, each in enumerate(three, 1):
            (free,) = await time.unbilled(tx, each.engagement, date(2026, 10, 31))
            assert free["minutes"] == 60 * n
    assert await hub.of("erp-us") == []
    again = await decide(books, three[0], period="2026-11")
    assert again.net == Decimal("340.00")
    assert (await figures(books.database)).ties_out


async def test_t16_a_credit_note_takes_back_of_the_lines_that_it_corrects_and_of_their_engagements_alone(
    books: Books,
) -> None:
    first, second, _ = three = await deals(books, 3)
    for each in three:
        await decide(books, each)
    whole = await drafted(books)
    await came_back(books, whole, told_of(whole))
    line = next(each for each in whole.lines if second.project in each.description)
    note = {
        **told_of(whole, number="CN-1"), "type": "credit_note", "net": "-340.00", "tax": "-27.20", "total": "-367.20",
        "open_amount": "0.00", "state": "paid",
        "lines": [
            {"description": line.description, "quantity": "-1.00", "unit_price": str(line.unit_price), "amount": "-340.00"}
        ],
    }  # fmt: skip
    hub = Consolidated(books.database, books.now)
    found, whose = await hub.credit(whole.key, "80", note)
    key = f"{second.engagement}-2026-10-C80"
    assert (found.unmatched, dict(whose)) == ([], {key: second.engagement})
    assert await hub.credit(whole.key, "80", note) == (found, whose), "told twice, noted once"
    used = told_of(whole, paid="367.20", state="partly_paid")
    await came_back(books, whole, used)
    open_ = {
        each["engagement"]: each["open_amount"]
        for each in await read(books, "select engagement, open_amount from invoice where corrects is null")
    }
    assert (open_[first.engagement], open_[second.engagement]) == (Decimal("367.20"), Decimal("367.20"))
    assert await Credits(books.database, books.now).settle(key, rebill=True, actor="anna", reason="again")
    async with books.database.transaction() as tx:
        (again,) = await time.unbilled(tx, second.engagement, date(2026, 10, 31))
    assert (again["source_id"], again["minutes"]) == ("T2", 60)
    assert (await figures(books.database)).ties_out
    strange = {**note, "lines": [{**note["lines"][0], "description": "something else"}]}
    assert (await hub.credit(whole.key, "81", strange))[0].unmatched == ["something else"]
    assert await read(books, "select key from invoice where key like %s", "%-C81") == []


async def test_what_is_credited_whole_by_the_hub_is_one_engagement_s_and_says_which(books: Books) -> None:
    three = await deals(books, 3)
    for each in three:
        await decide(books, each)
    whole = await drafted(books)
    await came_back(books, whole, told_of(whole))
    for name in (whole.key, "2026/0007"):
        with pytest.raises(Refused, match=f"say which, .*{three[1].engagement}-2026-10 of US"):
            await Corrections(books.database, books.now).credit(name, reason="all of it", actor="anna")


async def test_what_is_being_decided_and_what_waits_is_known_by_period(books: Books) -> None:
    first, second, third = await deals(books, 3)
    async with books.database.transaction() as tx:
        for deal, period in ((first, "2026-10"), (second, "2026-10"), (third, "2026-09")):
            await runs.queue(
                tx, f"time_to_invoice:{deal.engagement}/{period}:1", flow="time_to_invoice", subject=f"{deal.engagement}/{period}",
                version="1", lane=deal.engagement, now=books.now(), engagement=deal.engagement,
            )  # fmt: skip
        await runs.end(tx, f"time_to_invoice:{second.engagement}/2026-10:1", "held", "waits", books.now())
        found = {each.engagement: each for each in await consolidated.asked(tx, "2026-10")}
    assert {key: each.state for key, each in found.items()} == {first.engagement: "queued", second.engagement: "held"}
    assert {each.customer for each in found.values()} == {first.customer}
