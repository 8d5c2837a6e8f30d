"""Reading what was quoted: packages with an identity of their own, from products or from the lines of CPQ (T04)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tieout.connectors.salesforce.emulator import SalesforceOrg
from tieout.connectors.salesforce.emulator.schema import CHANGE_ORDERS, CPQ, STANDARD, load
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import Engagement
from tieout.domain.identity import Ref, business_key
from tieout.domain.instances import instances_of

from .conftest import FIRM
from .test_reading import ids, settled, sweep

pytestmark = pytest.mark.anyio
PACKAGES = {"line.package": "Service_Package__c", "line.instance": "Package_Instance_Id__c"}


@pytest.fixture
def org(new_org: Callable[..., SalesforceOrg], clock: Any) -> Iterator[SalesforceOrg]:
    """An org with Salesforce CPQ and change orders."""
    org = new_org(clock, load([STANDARD, FIRM, CPQ, CHANGE_ORDERS]))
    yield org
    org.close()


async def deal_of(hub: Any, record: str) -> Engagement:
    reading = await hub.read(Ref("salesforce", "opportunity", record))
    assert reading is not None
    return reading.document


def packages(deal: Engagement) -> list[tuple[str, str, Decimal]]:
    return [(each.id.removeprefix(f"{deal.key}/"), each.package, each.amount) for each in instances_of(deal)]


async def bundle(door: Any, quote: str, number: int, package: str, parts: dict[str, int]) -> str:
    facts = {"SBQQ__Quote__c": quote, "SBQQ__ListPrice__c": 100}
    top = await door.create(
        "SBQQ__QuoteLine__c", **facts, SBQQ__Number__c=number, SBQQ__Bundle__c=True, SBQQ__ProductCode__c=package,
        SBQQ__ProductName__c=package.title(), SBQQ__StartDate__c="2026-10-12", SBQQ__EndDate__c="2026-11-27",
    )  # fmt: skip
    for task, hours in parts.items():
        await door.create(
            "SBQQ__QuoteLine__c", **facts, SBQQ__Number__c=number, SBQQ__RequiredBy__c=top, SBQQ__Quantity__c=hours,
            SBQQ__ProductCode__c="Consultant", SBQQ__ProductName__c="Consultant", SBQQ__Description__c=task,
        )  # fmt: skip
    return top


async def quote(door: Any, deal: str) -> str:
    return await door.create("SBQQ__Quote__c", SBQQ__Opportunity2__c=deal, SBQQ__Primary__c=True)


async def test_products_that_name_their_instance_are_packages(door: Any, open_hub: Any) -> None:
    hub = open_hub(fields=PACKAGES)
    _, deal, lines = await door.sold(3)
    for record, instance in zip(lines, ("P-1", "P-1", "P-2"), strict=True):
        facts = {"Service_Package__c": "DATA-FOUNDATION", "Package_Instance_Id__c": instance}
        await door("PATCH", f"/sobjects/OpportunityLineItem/{record}", facts)
    assert packages(await deal_of(hub, deal)) == [
        ("P-1", "DATA-FOUNDATION", Decimal("49001.00")), ("P-2", "DATA-FOUNDATION", Decimal("24500.50")),
    ]  # fmt: skip
    await hub.close()


async def test_a_product_that_is_sold_by_the_piece_says_how_many(door: Any, open_hub: Any) -> None:
    hub = open_hub(fields=PACKAGES | {"line.quantity": "Quantity"})
    _, deal, (record,) = await door.sold(1)
    facts = {"Service_Package__c": "CLOUD-SEATS", "Role__c": None, "Hours__c": None, "Quantity": 12, "UnitPrice": 50}
    await door("PATCH", f"/sobjects/OpportunityLineItem/{record}", facts)
    (sold,) = instances_of(await deal_of(hub, deal))
    assert (sold.package, sold.quantity, sold.hours) == ("CLOUD-SEATS", Decimal(12), {})
    await hub.close()


async def test_an_org_that_says_no_packages_reads_as_before(door: Any, hub: Any) -> None:
    _, deal, _ = await door.sold(2)
    assert packages(await deal_of(hub, deal)) == [("01", "DATA-FOUNDATION", Decimal("49001.0"))]


async def test_bundles_of_the_primary_quote_are_packages_and_their_parts_the_work(door: Any, open_hub: Any) -> None:
    hub = open_hub(cpq=True)
    deal = await door.deal(Amount=3300)
    offer = await quote(door, deal)
    await bundle(door, offer, 1, "DATA-FOUNDATION", {"Discovery": 10, "Reporting": 20})
    await bundle(door, offer, 2, "CHANGE-SPRINT", {})
    read = await deal_of(hub, deal)
    assert packages(read) == [
        ("DATA-FOUNDATION", "DATA-FOUNDATION", Decimal(3100)),
        ("CHANGE-SPRINT", "CHANGE-SPRINT", Decimal(100)),
    ]
    first = instances_of(read)[0]
    assert first.quantity is None
    assert first.hours == {"Consultant": Decimal(30)}
    assert (first.start, first.end) == (date(2026, 10, 12), date(2026, 11, 27))
    assert [(each.task, each.hours, each.rate) for each in first.lines] == [
        ("", Decimal(0), Decimal(0)), ("Discovery", Decimal(10), Decimal(100)), ("Reporting", Decimal(20), Decimal(100)),
    ]  # fmt: skip
    await hub.close()


async def test_a_new_primary_quote_has_new_rows_and_the_same_packages(door: Any, open_hub: Any) -> None:
    hub = open_hub(cpq=True)
    deal = await door.deal()
    for hours in (10, 30):
        offer = await quote(door, deal)
        for number in (1, 2):
            await bundle(door, offer, number, "DATA-FOUNDATION", {"Discovery": hours})
        read = await deal_of(hub, deal)
        assert [each.id.removeprefix(f"{read.key}/") for each in instances_of(read)] == [
            "DATA-FOUNDATION",
            "DATA-FOUNDATION-2",
        ]
    assert instances_of(read)[0].hours == {"Consultant": Decimal(30)}
    await hub.close()


async def test_a_moved_line_of_the_quote_is_news_of_its_deal(door: Any, open_hub: Any) -> None:
    hub = open_hub(cpq=True)
    deal = await door.deal()
    top = await bundle(door, await quote(door, deal), 1, "DATA-FOUNDATION", {"Discovery": 10})
    cursor = await settled(hub, door)
    before = (await hub.look(Ref("salesforce", "opportunity", deal))).version
    await door("PATCH", f"/sobjects/SBQQ__QuoteLine__c/{top}", {"SBQQ__ListPrice__c": 120})
    changes, _ = await sweep(hub, cursor)
    assert ids(changes) == [deal]
    assert changes[0].version > before
    door.clock.forward(minutes=1)
    await door("DELETE", f"/sobjects/SBQQ__QuoteLine__c/{top}")
    assert (await hub.look(Ref("salesforce", "opportunity", deal))).version > changes[0].version
    assert (await deal_of(hub, deal)).lines == ()
    await hub.close()


async def ordered(door: Any, deal: str, **line: Any) -> str:
    order = await door.create(
        "Change_Order__c",
        Opportunity__c=deal,
        Effective_Date__c="2026-10-19",
        Amount_Delta__c=2450.5,
        Description__c="More",
    )
    await door.create("Change_Order_Line__c", Change_Order__c=order, Action__c="Add", Amount__c=2450.5, **line)
    await door("PATCH", f"/sobjects/Change_Order__c/{order}", {"Status__c": "Submitted"})
    return order


async def test_a_change_order_is_read_with_its_lines_its_deal_and_who_raised_it(door: Any, open_hub: Any) -> None:
    hub = open_hub(change_orders="Change_Order__c")
    deal = await door.deal()
    record = await ordered(door, deal, Task__c="Workshop", Role__c="Consultant", Hours__c=10, Cap_Amount__c=99.5)
    changes, _ = await sweep(hub, kind="change_order")
    assert [(each.ref.id, each.record, str(each.amount)) for each in changes] == [
        (record, {"deal": deal}, "2,450.50 USD")
    ]
    reading = await hub.read(Ref("salesforce", "change_order", record))
    order = reading.document
    assert isinstance(order, ChangeOrder)
    assert (order.state, order.engagement) == ("submitted", business_key("ENG", Ref("salesforce", "opportunity", deal)))
    assert (order.effective_from, order.amount, order.requested_by) == (
        date(2026, 10, 19),
        Decimal("2450.5"),
        "hub@kestrel.example",
    )
    assert order.lines == (
        ChangeLine(
            id=order.lines[0].id, action="add", task="Workshop", role="Consultant", hours=Decimal(10), amount=Decimal("2450.5"),
            cap=Decimal("99.5"),
        ),
    )  # fmt: skip
    assert hub.link(Ref("salesforce", "change_order", record)).endswith(record)
    assert reading.version == changes[0].version
    await hub.close()


async def test_orders_of_deals_from_before_the_hub_are_left_alone_and_an_org_without_orders_has_none(
    door: Any, open_hub: Any, hub: Any
) -> None:
    old = await door.deal(stage="Closed Won")
    await ordered(door, old)
    door.clock.at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    await door.forward(hours=1)
    new = await ordered(door, await door.deal())
    live = open_hub(change_orders="Change_Order__c", go_live=date(2026, 11, 1))
    assert ids((await sweep(live, kind="change_order"))[0]) == [new]
    assert (await sweep(hub, kind="change_order"))[0] == []
    assert await hub.read(Ref("salesforce", "change_order", new)) is None
    await live.close()
