"""Every page of the console on a believable day."""

from __future__ import annotations

import re

import pytest
from tests.console.world import Caller, World

from tieout.domain.evidence.checking import check

pytestmark = pytest.mark.anyio


async def test_every_page_of_the_console_is_shown(world: World, anna: Caller) -> None:
    for path in pages_of(world):
        await anna.get(path)


async def test_a_deal_that_waits_before_anything_is_agreed_is_found_with_its_holds_and_its_record(
    world: World, anna: Caller
) -> None:
    key = world.seeded.engagements["Nordwind Change Sprint"]
    page = await anna.get(f"/documents/engagement/{key}")
    assert "Nordwind Change Sprint" in page
    assert "not agreed yet" in page
    assert f"H-{world.seeded.holds['Nordwind Change Sprint/value.missing']}" in page
    assert 'href="https://kestrel.my.salesforce.example/006' in page


async def test_a_deal_shows_its_contract_and_the_version_that_each_system_shows(world: World, anna: Caller) -> None:
    key = next(key for name, key in world.seeded.engagements.items() if name == "Globex Data Platform")
    page = await anna.get(f"/documents/engagement/{key}")
    assert "version 1 is agreed" in page
    assert "What each system shows" in page
    assert page.count("version 1") >= 4


async def test_an_invoice_and_a_line_of_it_are_downloaded_as_packs_that_check_out(world: World, anna: Caller) -> None:
    for invoice in world.seeded.invoices:
        page = await anna.get(f"/invoices/{invoice}/lines/02")
        (address,) = re.findall(r'href="([^"]+evidence[.]zip[^"]*)"', page)
        for path, covers in ((f"/invoices/{invoice}/evidence.zip", "invoice"), (address, "line")):
            answer = await anna.http.get(path)
            assert answer.headers["content-type"] == "application/zip"
            assert "attachment" in answer.headers["content-disposition"]
            checked = check(answer.content)
            assert checked.findings == ()
            assert checked.facts is not None
            assert (checked.facts.covers, checked.facts.invoice.key) == (covers, invoice)


async def test_an_invoice_of_several_engagements_shows_what_each_has_of_it(world: World, anna: Caller) -> None:
    some = world.seeded.invoices[:2]
    async with world.database.transaction() as tx:
        await tx.execute(
            """
            insert into consolidated_invoice (key, entity, customer, currency, payment_terms, tax_class, po_number, period, part, state,
                                              number, connection, record_id, version, frozen, drafted, opened_at, changed_at)
            select 'CON-TEST', entity, customer, currency, '', '', '4711', '2026-10', 1, state, 'US-2026-0040', connection, record_id,
                   1, 1, 1, proposed_at, changed_at from invoice where key = %s
            """,
            (some[0],),
        )
        await tx.execute(
            "update invoice set consolidated = 'CON-TEST', consolidated_since = 1 where key = any(%s)", (some,)
        )
        sums = await (
            await tx.execute("select sum(total) as total from invoice where key = any(%s)", (some,))
        ).fetchone()
    assert sums is not None
    page = await anna.get("/invoices/CON-TEST")
    for each in some:
        assert f'href="/invoices/{each}"' in page
        assert 'href="/invoices/CON-TEST"' in await anna.get(f"/invoices/{each}")
    assert f"{sums['total']:,.2f}" in page
    assert "4711" in page


def pages_of(world: World) -> list[str]:
    """Every kind of page, and every hold, deal, run and invoice of the seeded day."""
    seeded = world.seeded
    return [
        "/", "/holds", "/holds?tab=needs", "/holds?tab=snoozed", "/holds?tab=resolved", "/holds?text=nothing-like-it",
        "/holds?age=4h", "/holds?tab=overdue", "/holds?tab=resolved&ended=source", "/holds/routes", "/overrides",
        "/overrides?withdrawn=1",
        "/plans", "/plans?before=1", "/approvals", "/documents", "/documents?kind=project", "/documents?kind=customer", "/invoices",
        "/invoices?stage=billed", "/invoices?stage=proposed", "/runs", "/runs?state=held", "/systems", "/systems/kantata",
        "/tables", "/tables/practice_department?value=People&entity=DE", "/palette", "/palette?q=globex",
        *(f"/holds/H-{each}" for each in seeded.holds.values()),
        *(f"/holds/H-{each}/peek" for each in seeded.holds.values()),
        *(f"/plans/P-{each}{query}" for each in seeded.plans.values() for query in ("", "?open=1")),
        *(f"/questions/Q-{each}" for each in seeded.questions),
        *(f"/approvals/A-{each}" for each in seeded.approvals),
        *(f"/documents/engagement/{each}" for each in seeded.engagements.values()),
        *(f"/runs/{each.replace('#', '%23')}" for each in seeded.runs.values()),
        *(f"/invoices/{each}" for each in seeded.invoices),
        *(f"/entries/kantata/{each}" for each in seeded.entries[:2]),
        *(f"/invoices/{each}/lines/02" for each in seeded.invoices),
        "/limits", "/limits?q=globex", "/limits?q=nothing", "/lent", "/usage",
        "/events", "/events?kind=usage&state=open", "/events?engagement=nothing-like-it", "/events?day=2026-10-31&connection=a&id=b",
        *(f"/events/{each}" for each in seeded.events),
        *(f"/usage/metering/{each}" for each in seeded.readings),
    ]  # fmt: skip
