"""Metered usage from the reading that a platform sends to the invoice, and what becomes of one that was wrong (T14, T16, T19, T57)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.access import Actor
from tieout.domain.documents.engagement import Contract, ContractVersion
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.terms import Cap, PeriodTerms, Sold, Tier, UsageTerms
from tieout.domain.evidence.checking import check
from tieout.domain.metering import UsageRule
from tieout.engine.evidence import evidence_pack
from tieout.engine.usage import Taken, Usage
from tieout.store import documents, events, lineage, usage, usage_story
from tieout.store.event_story import event_story
from tieout.store.figures import figures, money_of
from tieout.store.scope import seen_by
from tieout.testing.books import Deal

from .delivery import Delivery

pytestmark = pytest.mark.anyio

RULE = UsageRule(sources=("metering",))
PACKAGE = ServicePackage(key="STORAGE", name="Storage", practice="Data", product="Usage", tasks=())
STORAGE = UsageTerms(meter="storage", unit="GB", tiers=(Tier(price=Decimal("0.50")),))


def sold(deal: Deal, terms: UsageTerms = STORAGE, name: str = "STORAGE", until: date | None = None) -> Sold:
    return Sold(
        id=f"{deal.engagement}/{name}", package="STORAGE", description="Storage", start=date(2026, 10, 1), end=until,
        terms=terms,
    )  # fmt: skip


def version(*of: Sold, number: int = 1, since: date = date(2026, 10, 1), caps: Sequence[Cap] = ()) -> ContractVersion:
    return ContractVersion(
        version=number, effective_from=since, amount=Decimal(50000), currency="USD", lines=(), sold=of, caps=tuple(caps)
    )


async def agree(delivery: Delivery, deal: Deal, *versions: ContractVersion) -> None:
    delivery.firm = delivery.firm.model_copy(update={"packages": (*delivery.firm.packages, PACKAGE)})
    contract = Contract(
        key=deal.engagement, engagement=deal.engagement, customer=deal.customer, legal_entity="US", versions=versions
    )
    async with delivery.database.transaction() as tx:
        now = delivery.books.now()
        await documents.save(tx, contract, entity="US", engagement=deal.engagement, trail={}, now=now)


def reading(deal: Deal, id_: str, quantity: str, day: str = "2026-10-05", **facts: Any) -> dict[str, Any]:
    return {
        "id": id_, "engagement": deal.engagement, "meter": "storage", "quantity": quantity, "unit": "GB", "day": day, **facts
    }  # fmt: skip


async def send(delivery: Delivery, *told: dict[str, Any]) -> Taken:
    door = Usage(delivery.database, delivery.books.now)
    taken = await door.take("metering", told, RULE, via="api", actor="platform@kestrel.example")
    await delivery.settle()
    return taken


async def lines(delivery: Delivery, deal: Deal, period: str) -> list[tuple[str, Decimal]]:
    """What the invoice of a month says; the books tie out with it."""
    await delivery.propose(deal, period)
    assert (await figures(delivery.database)).ties_out
    found = await delivery.rows(
        "select description, amount from invoice_line where invoice = %s order by position",
        f"{deal.engagement}-{period}",
    )
    return [(each["description"].split(": ", 1)[1], each["amount"]) for each in found]


async def test_a_month_of_readings_is_billed_once_by_the_price_of_each_day(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    dearer = STORAGE.model_copy(update={"tiers": (Tier(price=Decimal("0.70")),)})
    await agree(delivery, deal, version(sold(deal)), version(sold(deal, dearer), number=2, since=date(2026, 10, 16)))
    page = [reading(deal, f"r{day:02}", "10", f"2026-10-{day:02}") for day in (5, 15, 16, 20)]
    taken = await send(delivery, *page, reading(deal, "r99", "10", "2026-11-02"))
    assert (taken.outcomes, taken.waits) == ({"new": 5}, {})
    assert await lines(delivery, deal, "2026-10") == [
        ("Storage, 20 GB in 2026-10", Decimal("10.00")), ("Storage, 20 GB in 2026-10", Decimal("14.00"))
    ]  # fmt: skip
    proof = await delivery.rows("select contract_version, basis from evidence order by line")
    assert [(each["contract_version"], each["basis"]["records"]) for each in proof] == [(1, "2"), (2, "2")]
    stands_on = await delivery.rows(
        "select source_id, version, units from usage_evidence where readings = %s order by 1",
        proof[0]["basis"]["readings"],
    )
    assert [(each["source_id"], each["version"], each["units"]) for each in stands_on] == [
        ("r05", 1, 10),
        ("r15", 1, 10),
    ]


async def test_the_way_back_from_an_invoice_ends_at_the_readings_and_the_way_forward_at_their_shares(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    await send(delivery, reading(deal, "a", "1"), reading(deal, "b", "1"), reading(deal, "c", "1.01"))
    assert await lines(delivery, deal, "2026-10") == [("Storage, 3.01 GB in 2026-10", Decimal("1.51"))]
    await send(delivery, reading(deal, "a", "2"))
    async with delivery.database.transaction() as tx:
        (told,) = await lineage.of_invoice(tx, f"{deal.engagement}-2026-10")
        story = await usage_story.of(tx, "metering", "a")
        month = await event_story(tx, deal.engagement, "STORAGE/2026-10")
    ((proof,),) = [each.evidence for each in told.lines]
    assert [(each.source_id, each.version, each.units, each.share) for each in proof.readings] == [
        ("a", 1, 1, Decimal("0.50")), ("b", 1, 1, Decimal("0.50")), ("c", 1, Decimal("1.01"), Decimal("0.51"))
    ]  # fmt: skip
    assert proof.stands_on == (
        "unit GB, meter storage, month 2026-10, units 3.01, package STORAGE, records 3, package version 1"
    )
    assert story is not None
    assert [(each["version"], each["share"]) for each in story.billed] == [(1, Decimal("0.50"))], "as it was billed"
    assert [each["version"] for each in story.versions] == [1, 2]
    assert month is not None
    assert [(each.what, each.amount) for each in month.chapters] == [("billed", Decimal("1.51"))]
    finance = Actor("Anna", "anna.fischer@kestrel.example", frozenset({"finance"}))
    pack = await evidence_pack(delivery.database, delivery.books.now, f"{deal.engagement}-2026-10", reader=finance)
    checked = check(pack.data)
    assert checked.findings == ()
    assert checked.facts is not None
    ((entry,),) = [each.entries for each in checked.facts.lines]
    assert [(each.id, each.amount, len(each.digest)) for each in entry.readings] == [
        ("a", Decimal("0.50"), 64), ("b", Decimal("0.50"), 64), ("c", Decimal("0.51"), 64)
    ]  # fmt: skip


async def test_every_event_beside_hours_stands_in_one_list_with_how_it_stands(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    of = sold(deal)
    care = Sold(
        id=f"{deal.engagement}/CARE", package="FIXED", terms=PeriodTerms(amount=Decimal(9), start=date(2026, 10, 1))
    )
    await agree(delivery, deal, version(of, care, caps=[Cap(key="cap", lines=(of.id,), amount=Decimal(30))]))
    await send(delivery, reading(deal, "a", "100"), reading(deal, "b", "1", "2026-11-01", unit="TB"))

    async def listed(**wanted: Any) -> list[tuple[str, str, Any, Decimal, Decimal, str]]:
        async with delivery.database.transaction() as tx:
            found = await events.page(tx, **wanted, limit=50)
        return [
            (each["shown_kind"], str(each["day"]), each["worth"], each["billed"], each["set_aside"], each["state"])
            for each in found
        ]

    assert await listed() == [
        ("usage", "2026-11-01", None, 0, 0, "waits"), ("usage", "2026-10-05", None, 0, 0, "not_judged")
    ]  # fmt: skip
    await delivery.propose(deal, "2026-10")
    october = ("usage", "2026-10-31", 50, 30, 20, "set_aside")
    assert await listed(engagement=deal.engagement) == [
        ("usage", "2026-11-01", None, 0, 0, "waits"), october, ("fee", "2026-10-01", 9, 9, 0, "billed")
    ]  # fmt: skip
    assert await listed(kind="usage", state="set_aside") == [october]
    assert await listed(after=(date(2026, 10, 31), "ENG-ZZZ", "")) == [("fee", "2026-10-01", 9, 9, 0, "billed")]
    await send(delivery, reading(deal, "a", "90"))
    assert await listed(kind="usage", state="set_aside") == [october], "as the last decision knew it"
    assert await listed(kind="milestone") == await listed(engagement="ENG-NOWHERE1") == []


async def test_who_sees_some_legal_entities_sends_for_these_alone(delivery: Delivery) -> None:
    deal, other = await delivery.books.deal(1), await delivery.books.deal(2, entity="DE")
    await agree(delivery, deal, version(sold(deal)))
    await send(delivery, reading(deal, "a", "1"))
    with seen_by(["DE"]):
        for told in (
            reading(deal, "a", "2"),
            reading(deal, "new", "2"),
            reading(deal, "x", "2", engagement="ENG-NOWHERE1"),
        ):
            taken = await send(delivery, reading(other, "mine", "1", meter="m"), told)
            assert [(each.row, each.field) for each in taken.faults] == [(2, "engagement")]
    assert await delivery.rows("select source_id, quantity from usage_reading") == [{"source_id": "a", "quantity": 1}]
    with seen_by(["US"]):
        assert (await send(delivery, reading(deal, "a", "2"))).outcomes == {"corrected": 1}


async def test_t57_the_same_page_again_changes_nothing(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    page = [reading(deal, "a", "3"), reading(deal, "b", "4")]
    await send(delivery, *page)
    before = await delivery.rows("select * from usage_reading order by source_id")
    again = await send(delivery, *page)
    assert again.outcomes == {"same": 2}
    assert await delivery.rows("select * from usage_reading order by source_id") == before
    ((count,),) = [
        tuple(each.values()) for each in await delivery.rows("select count(*) from message where kind = 'usage'")
    ]
    assert count == 2


async def test_t14_a_reading_that_is_corrected_after_billing_is_taken_back_and_billed_as_it_is(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    await send(delivery, reading(deal, "a", "40"), reading(deal, "b", "100"))
    assert await lines(delivery, deal, "2026-10") == [("Storage, 140 GB in 2026-10", Decimal("70.00"))]
    delivery.ledger.post(f"{deal.engagement}-2026-10", "2026-0001", date(2026, 11, 3))
    await delivery.settle()
    taken = await send(delivery, reading(deal, "a", "44"))
    assert [(each.version, each.was.quantity, each.now.quantity) for each in taken.corrected] == [(2, 40, 44)]
    assert await lines(delivery, deal, "2026-11") == [
        ("Storage, 140 GB in 2026-10", Decimal("-70.00")), ("Storage, 144 GB in 2026-10", Decimal("72.00"))
    ]  # fmt: skip
    versions = await delivery.rows(
        "select version, body->>'quantity' as said from usage_version where source_id = 'a' order by 1"
    )
    assert [(each["version"], each["said"]) for each in versions] == [(1, "40"), (2, "44")]
    first, back, new = await delivery.rows("select amount, basis from evidence order by invoice, line")
    assert first["basis"]["readings"] == back["basis"]["readings"] != new["basis"]["readings"]


async def test_an_older_version_that_comes_late_is_kept_and_changes_nothing(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    await send(delivery, reading(deal, "a", "44", version=2))
    assert (await send(delivery, reading(deal, "a", "40", version=1))).outcomes == {"older": 1}
    (now,) = await delivery.rows("select version, quantity from usage_reading")
    assert (now["version"], now["quantity"]) == (2, 44)
    told = await delivery.rows("select state, reason from message where kind = 'usage' order by id")
    assert [(each["state"], each["reason"]) for each in told] == [
        ("done", ""),
        ("ignored", "superseded by a newer state"),
    ]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"engagement": "ENG-NOWHERE1"}, "usage.engagement_unknown"),
        ({"meter": "calls"}, "usage.meter_unknown"),
        ({"unit": "TB"}, "usage.unit_differs"),
        ({"day": "2026-09-30"}, "usage.outside_term"),
        ({"package": "OTHER"}, "usage.meter_unknown"),
    ],
)
async def test_a_reading_that_fits_nothing_waits_alone_until_it_is_corrected(
    delivery: Delivery, facts: dict[str, Any], problem: str
) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    taken = await send(delivery, reading(deal, "good", "10"), reading(deal, "bad", "1", **facts))
    assert taken.waits == {problem: 1}
    assert set(await delivery.holds()) == {problem}
    states = await delivery.rows("select record_id, state, reason from message where kind = 'usage' order by 1")
    assert [(each["record_id"], each["state"], each["reason"]) for each in states] == [
        ("bad", "held", problem),
        ("good", "done", ""),
    ]
    await send(delivery, reading(deal, "bad", "1"))
    assert await delivery.holds() == {}
    assert await lines(delivery, deal, "2026-10") == [("Storage, 11 GB in 2026-10", Decimal("5.50"))]


async def test_two_packages_with_one_meter_are_told_apart_by_name(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal), sold(deal, name="STORAGE-2")))
    assert (await send(delivery, reading(deal, "a", "10"))).waits == {"usage.package_unclear": 1}
    assert (await send(delivery, reading(deal, "a", "10", package="STORAGE-2"))).waits == {}
    (found,) = await delivery.rows("select sold, contract_version from usage_reading")
    assert (found["sold"], found["contract_version"]) == (f"{deal.engagement}/STORAGE-2", 1)


async def test_readings_that_came_before_the_signature_wait_for_it_and_are_billed_then(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    async with delivery.database.transaction() as tx:
        await tx.execute("update project set contract_version = 0")
    await send(delivery, reading(deal, "early", "10"))
    assert set(await delivery.holds()) == {"usage.engagement_unknown"}
    async with delivery.database.transaction() as tx:
        await tx.execute("update project set contract_version = 1")
    await agree(delivery, deal, version(sold(deal)))
    assert await lines(delivery, deal, "2026-10") == [("Storage, 10 GB in 2026-10", Decimal("5.00"))]
    assert await delivery.holds() == {}


async def test_a_cut_off_looks_at_what_names_its_own_engagement(delivery: Delivery) -> None:
    deal, other = await delivery.books.deal(1), await delivery.books.deal(2)
    for told in (deal.engagement, deal.project, deal.opportunity):
        await send(delivery, reading(deal, told, "1", engagement=told))
    async with delivery.database.transaction() as tx:
        assert await usage.sources(tx, deal.engagement) == ["metering"]
        assert await usage.sources(tx, other.engagement) == []
        await tx.execute("update usage_reading set engagement = null")
        assert await usage.sources(tx, deal.engagement) == ["metering"]
        assert await usage.sources(tx, other.engagement) == []
    assert set(await delivery.holds()) == {"usage.meter_unknown"}, "each of its names is known"


async def test_t37_usage_above_a_limit_waits_as_hours_do(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    of = sold(deal)
    await agree(delivery, deal, version(of, caps=[Cap(key="cap", lines=(of.id,), amount=Decimal(30))]))
    await send(delivery, reading(deal, "a", "100"))
    assert await lines(delivery, deal, "2026-10") == [("Storage, 100 GB in 2026-10", Decimal("30.00"))]
    assert set(await delivery.holds()) == {"billing.over_cap"}
    async with delivery.database.transaction() as tx:
        (money,) = [each for each in await money_of(tx, [deal.engagement]) if each.currency]
    assert (money.approved, money.proposed, money.set_aside, money.unbilled) == (50, 30, 20, 0)
    # The month is measured anew: 30.00 are taken back, and 30.00 of what it is now still fit.
    await send(delivery, reading(deal, "a", "80"))
    assert await lines(delivery, deal, "2026-11") == [
        ("Storage, 80 GB in 2026-10", Decimal("30.00")), ("Storage, 100 GB in 2026-10", Decimal("-30.00"))
    ]  # fmt: skip


async def test_a_page_with_a_wrong_row_is_not_taken_at_all(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await agree(delivery, deal, version(sold(deal)))
    taken = await send(delivery, reading(deal, "a", "1"), reading(deal, "b", "-1"), reading(deal, "a", "2"))
    assert [(each.row, each.field) for each in taken.faults] == [(2, "quantity")]
    assert await delivery.rows("select * from usage_reading") == []
    taken = await send(delivery, reading(deal, "a", "1"), reading(deal, "a", "2"))
    assert [(each.row, each.field) for each in taken.faults] == [(2, "id")]
    await send(delivery, reading(deal, "a", "1", version=1))
    taken = await send(delivery, reading(deal, "a", "2", version=1))
    assert [(each.what, each.fix) for each in taken.faults] == [
        ("version 1 of “a” says quantity 2, and said 1 before", "Send it as version 2.")
    ]
