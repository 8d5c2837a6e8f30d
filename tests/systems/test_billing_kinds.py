"""What is due beside hours, in the books: on lines of its own, in every figure, with what it stands on (T38-T40, T52)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.charging.billing import Decision, agreement_of, decide
from tieout.domain.charging.due import due, released
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import Block, FixedTerms, Instalment, PeriodTerms, RetainerTerms, Sold, TimeTerms
from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.proposal import propose
from tieout.store import board, charging, invoices, lineage, messages, runs, time
from tieout.store.database import rows
from tieout.store.figures import figures, money_of
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio

FIRM = Firm(
    name="Kestrel",
    entities=(LegalEntity(code="US", name="Kestrel Inc.", currency="USD"),),
    connections={},
    packages=(
        ServicePackage(key="P", name="P", practice="Data", product="Fixed fee", prepaid_product="Prepaid", tasks=()),
    ),
)
OCTOBER = date(2026, 10, 31)
CARE = Sold(id="care", package="P", terms=PeriodTerms(amount=Decimal(900), start=date(2026, 10, 1)))
BUILD = Sold(
    id="build", package="P", description="Build",
    terms=FixedTerms(
        instalments=(Instalment(key="01", name="Start", amount=Decimal(1000), due=date(2026, 10, 1)),),
        retainage=Decimal("0.1"), released=date(2026, 12, 1),
    ),
)  # fmt: skip
BLOCK = Sold(
    id="", package="P",
    terms=RetainerTerms(
        blocks=(Block(key="B1", price=Decimal(400), hours=Decimal(1), valid_from=date(2026, 10, 1)),),
        overage_rates={"Principal": Decimal("400.00")},
    ),
)  # fmt: skip


async def sell(books: Books, deal: Deal, *sold: Sold) -> ContractVersion:
    version = ContractVersion(
        version=1, effective_from=date(2026, 10, 1), amount=Decimal(50000), currency="USD", lines=(), sold=sold
    )
    contract = Contract(
        key=deal.engagement, engagement=deal.engagement, customer=deal.customer, legal_entity="US", versions=(version,)
    )
    await register(books).save(contract, entity="US", engagement=deal.engagement)
    return version


def register(books: Books) -> Register:
    return Register(books.database, books.now)


async def cut_off(books: Books, deal: Deal, terms: ContractVersion, through: date = OCTOBER) -> Decision:
    """As the flow does it, without the ERP."""
    hub = register(books)
    project, engagement = await hub.latest(Project, deal.project), await hub.latest(Engagement, deal.engagement)
    assert project is not None
    assert engagement is not None
    accepted = await hub.accepted(deal.engagement)
    dues = due([terms], FIRM, through=through, accepted=accepted, readings={})
    agreement = agreement_of(terms, elsewhere={}, released=released(terms, through=through, accepted=accepted))
    ledger = replace(await hub.ledger(deal.engagement, through), dues=dues)
    made = decide(
        agreement, ledger, lambda work: propose(engagement, project, work, period=f"{through:%Y-%m}", today=through)
    )
    await hub.decide(project, made, dues)
    return made


async def figure(books: Books, deal: Deal) -> Any:
    assert (await figures(books.database)).ties_out
    async with books.database.transaction() as tx:
        (found,) = [each for each in await money_of(tx, [deal.engagement]) if each.currency]
    return found


async def test_a_fee_is_billed_once_and_what_is_withheld_waits_beside_it(books: Books) -> None:
    deal = await books.deal(1)
    terms = await sell(books, deal, CARE, BUILD)
    made = await cut_off(books, deal, terms)
    assert made.proposal is not None
    assert [(each.kind, each.product, each.amount) for each in made.proposal.invoice.lines] == [
        ("fee", "Fixed fee", Decimal("900.00")), ("fee", "Fixed fee", Decimal("900.00"))
    ]  # fmt: skip
    found = await figure(books, deal)
    assert (found.approved, found.proposed, found.set_aside, found.unbilled, found.rounding) == (1900, 1800, 100, 0, 0)
    assert (await cut_off(books, deal, terms)).proposal is None
    assert (await figure(books, deal)).approved == 1900


async def test_a_fee_whose_draft_is_withdrawn_is_unbilled_again_and_stands_on_the_next_invoice(books: Books) -> None:
    deal = await books.deal(1)
    terms = await sell(books, deal, CARE)
    made = await cut_off(books, deal, terms)
    assert made.proposal is not None
    async with books.database.transaction() as tx:
        await invoices.withdraw(tx, made.proposal.invoice.key, books.now())
        assert (await invoices.money(tx, deal.engagement))["unbilled"] == 900
        (work,) = await board.work(tx, entity="US", currency="USD")
    assert (work["unbilled"], work["unbilled_minutes"], work["approved"], work["entries"]) == (900, 0, 900, 0)
    assert (await figure(books, deal)).unbilled == 900
    again = await cut_off(books, deal, terms, date(2026, 11, 30))
    assert again.proposal is not None
    assert [(each.description, each.amount) for each in again.proposal.invoice.lines] == [
        ("Data Foundation 1: P, 2026-10", 900), ("Data Foundation 1: P, 2026-11", 900)
    ]  # fmt: skip
    assert (await figure(books, deal)).unbilled == 0


async def test_hours_draw_the_block_and_what_is_beyond_it_costs_its_own_rate(books: Books) -> None:
    deal = await books.deal(1)
    terms = await sell(books, deal, BLOCK)
    await books.time(deal, [("T1", 1, 90)])
    made = await cut_off(books, deal, terms)
    assert made.proposal is not None
    assert [(each.sold_as, each.quantity, each.amount) for each in made.proposal.invoice.lines] == [
        ("Principal", Decimal("0.50"), Decimal("200.00")), ("Prepaid", 1, 400)
    ]  # fmt: skip
    found = await figure(books, deal)
    # 1.5 h at 340.00 and the block; an hour is drawn, half an hour is billed 30.00 above the agreed rate.
    assert (found.approved, found.set_aside, found.proposed, found.overage, found.rounding) == (910, 340, 600, 30, 0)


async def test_t24_an_entry_is_charged_in_the_increments_of_its_contract_however_often_it_is_told(books: Books) -> None:
    deal = await books.deal(1)
    terms = await sell(books, deal, Sold(id="", package="P", terms=TimeTerms(increment=15)))
    project = await register(books).latest(Project, deal.project)
    assert project is not None
    first, second = project.tasks
    tasks = (
        first.model_copy(update={"increment": 15}),
        second.model_copy(update={"increment": 30, "direction": "nearest"}),
    )
    rounded = project.model_copy(update={"tasks": tasks})
    await register(books).save(rounded, entity="US", engagement=deal.engagement)
    for _ in range(2):
        await books.time(deal, [("T1", 1, 50), ("T2", 2, 44), ("T3", 2, 45)])
    async with books.database.transaction() as tx:
        found = await rows(tx, "select source_id, minutes, billable_minutes from time_entry order by 1")
    assert [(each["minutes"], each["billable_minutes"]) for each in found] == [(50, 60), (44, 30), (45, 60)]
    made = await cut_off(books, deal, terms)
    assert made.proposal is not None
    assert [str(each.quantity) for each in made.proposal.invoice.lines] == ["1.00", "1.50"]
    assert (await figure(books, deal)).unbilled == 0


async def test_t24_a_page_of_time_is_charged_in_increments_as_it_arrives_and_keeps_what_was_told(books: Books) -> None:
    deal, run, told = await books.deal(1), "approved_time:kantata:1", books.now()
    payload = {
        "source_id": "T1", "source_version": f"{told.isoformat()}#1", "project": deal.workspace, "task": f"{deal.workspace}1",
        "person": "K003", "person_name": "Priya Raman", "work_date": "2026-10-05", "minutes": 50, "billable_minutes": 50,
        "rate": "340.00", "currency": "USD", "state": "approved", "approved_by": "L", "approved_at": told.isoformat(),
        "notes": "", "mapping": "kantata.time_entry@1",
    }  # fmt: skip
    arrival = messages.Arrival("kantata", "time_entry", "T1", payload["source_version"], "USD", 0, payload)
    rates = [{"card": "2026", "role": "Principal", "version": 1, "valid_from": "2026-01-01", "rate": "340.00"}]
    async with books.database.transaction() as tx:
        await tx.execute("update project_task set increment = 60 where key = %s", (deal.task(1),))
        await runs.queue(tx, run, flow="approved_time", subject="kantata", version="1", lane="kantata", now=told)
        stored = await messages.record(tx, [arrival], via="sweep", now=told)
        await messages.assign(tx, [each["id"] for each in stored], run)
        await time.take_page(tx, "kantata", run, rates, told)
        (entry,) = await rows(tx, "select minutes, billable_minutes, agreed_rate from time_entry")
        (version,) = await rows(tx, "select body->>'billable_minutes' as minutes from time_entry_version")
    assert (entry["minutes"], entry["billable_minutes"], entry["agreed_rate"], version["minutes"]) == (
        50,
        60,
        340,
        "50",
    )


@pytest.mark.parametrize("increment", [1, 6, 15, 30, 60])
async def test_what_is_rounded_stays_and_up_never_takes_a_minute_away(books: Books, increment: int) -> None:
    async with books.database.transaction() as tx:
        (wrong,) = await rows(
            tx,
            """
            select count(*) as n from generate_series(-1000, 1000) m cross join (values ('up'), ('nearest')) d(way)
            cross join lateral (select charged_minutes(m, %(n)s, way) as c) charged
            where charged_minutes(c, %(n)s, way) <> c or c %% %(n)s <> 0 or charged_minutes(-m, %(n)s, way) <> -c
              or (way = 'up' and (abs(c) < abs(m) or abs(c) - abs(m) >= %(n)s))
              or (way = 'nearest' and (2 * abs(c - m) > %(n)s or (2 * abs(c - m) = %(n)s and abs(c) < abs(m))))
            """,
            {"n": increment},
        )
    assert wrong["n"] == 0


async def test_the_way_back_from_a_fee_ends_at_what_of_the_contract_it_stands_on(books: Books) -> None:
    deal = await books.deal(1)
    made = await cut_off(books, deal, await sell(books, deal, BUILD))
    assert made.proposal is not None
    async with books.database.transaction() as tx:
        (told,) = await lineage.of_invoice(tx, made.proposal.invoice.key)
    (line,) = told.lines
    (proof,) = line.evidence
    assert (line.kind, line.product, line.difference) == ("fee", "Fixed fee", 0)
    assert (proof.rate, proof.amount, proof.contract_version, proof.work_date) == (None, 900, 1, date(2026, 10, 1))
    assert proof.stands_on == "package P, instalment 01, package version 1"


async def test_a_contract_that_owes_more_than_hours_is_asked_once_a_month(books: Books) -> None:
    by_the_hour, deal = await books.deal(1), await books.deal(2)
    await sell(books, deal, CARE)
    async with books.database.transaction() as tx:
        assert await charging.engagements_with_fees(tx, "US", "2026-10") == [deal.engagement]
        assert by_the_hour.engagement not in await charging.engagements_with_fees(tx, "US", "2026-10")
        await tx.execute(
            "insert into run (id, flow, subject, version, lane, state, not_before, created_at)"
            " values ('r', 'time_to_invoice', %s, '1', 'l', 'ignored', now(), now())",
            (f"{deal.engagement}/2026-10",),
        )
        assert await charging.engagements_with_fees(tx, "US", "2026-10") == []
        assert await charging.engagements_with_fees(tx, "US", "2026-11") == [deal.engagement]
