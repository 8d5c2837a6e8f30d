"""Work of people whom the project's company does not employ: billed to the customer as any other, its cost told once (T49, T50)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.values import ValueRow
from tieout.engine.deeds import Refused, Unknown
from tieout.engine.operator import Operator
from tieout.store import firm, runs
from tieout.store.figures import figures
from tieout.systems.lending import Lent
from tieout.testing.books import Deal

from .delivery import Delivery

pytestmark = pytest.mark.anyio
ANNA = "anna.fischer@kestrel.example"
OCTOBER = date(2026, 10, 31)
VENDOR = "Iberia Data"


def operator(delivery: Delivery) -> Operator:
    return Operator(delivery.database, delivery.books.now)


async def say(delivery: Delivery, table: str, key: str, value: str, since: str = "2026-01-01") -> None:
    """A row of a value table, as the firm folder ships it: an empty value ends what was said before."""
    row = ValueRow(table, key, value, author=ANNA, valid_from=date.fromisoformat(since))
    async with delivery.database.transaction() as tx:
        await firm.ship_values(tx, [row], delivery.books.now())


async def judged(delivery: Delivery) -> set[str]:
    """Who works for whom is looked up, as for every page; the problems that entries have then."""
    await Lent(delivery.database).refresh({"US": await delivery.ledger.people()}, "kantata", None)
    return {each["problem"] for each in await delivery.rows("select problem from time_entry")}


async def delivered(delivery: Delivery) -> int:
    """The round of time: who works for whom, what goes to the timesheets, what waits; how many lines the ERP has."""
    number = len(await delivery.rows("select id from run"))
    await judged(delivery)
    async with delivery.database.transaction() as tx:
        await runs.queue(
            tx, f"time_to_erp:kantata/US:{number}", flow="time_to_erp", subject="kantata/US", version=str(number),
            lane="time/US", now=delivery.books.now(),
        )  # fmt: skip
    await delivery.settle()
    return len(delivery.ledger.lines)


async def expected(delivery: Delivery) -> list[tuple[Any, ...]]:
    found = await operator(delivery).lending.expected()
    names = ("kind", "lender", "entity", "person", "currency", "minutes", "unpriced", "cost")
    return [tuple(each[name] for name in names) for each in found]


async def codes(delivery: Delivery) -> list[str]:
    return sorted(await delivery.holds())


async def test_t49_work_of_another_company_s_people_is_billed_costed_once_and_on_no_timesheet(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await delivery.books.time(deal, [("T1", 1, 120)], person="K103")
    await delivery.books.time(deal, [("T2", 1, 60)])
    assert await judged(delivery) == {"", "person.unknown"}
    await say(delivery, "person_entity", "K103", "DE")
    assert await delivered(delivery) == 1, "neither company's timesheets have it"
    assert await codes(delivery) == ["time.entity_differs"]
    (facts,) = (await delivery.holds()).values()
    assert (facts["person"], facts["person_entity"], facts["entity"]) == ("K103", "DE", "US")
    assert await expected(delivery) == [("company", "DE", "US", "K103", "USD", 120, 120, 0)]
    with pytest.raises(Refused, match="hours of K103 cost"):
        await operator(delivery).lending.match("DE", "IC-1", through=OCTOBER, actor=ANNA)
    await delivery.propose(deal, "2026-10")
    (invoice,) = await delivery.rows("select * from invoice")
    assert (invoice["entity"], invoice["state"], invoice["net"]) == ("US", "draft", Decimal("1020.00"))
    assert (await figures(delivery.database)).ties_out
    await say(delivery, "transfer_share", "DE/US", "0.7")
    await delivered(delivery)
    assert await codes(delivery) == []
    assert await expected(delivery) == [("company", "DE", "US", "K103", "USD", 120, 0, Decimal("476.00"))]
    made = await operator(delivery).lending.match("DE", "IC-1", through=OCTOBER, amount=Decimal("480.00"), actor=ANNA)
    assert (made["expected"], made["amount"], made["minutes"]) == (Decimal("476.00"), Decimal("480.00"), 120)
    assert await expected(delivery) == []


async def with_a_vendor(delivery: Delivery) -> Deal:
    deal = await delivery.books.deal(1)
    await say(delivery, "subcontractor", "X901", VENDOR)
    await say(delivery, "subcontractor_rate", "X901", "95.00 USD")
    await say(delivery, "subcontractor_rate", "X901", "99.00 USD", "2026-10-10")
    await delivery.books.time(deal, [("T1", 1, 60)], person="X901", billable_minutes=30)
    await delivery.books.time(deal, [("T2", 1, 60)], person="X901", work_date="2026-10-12")
    assert await delivered(delivery) == 0
    return deal


async def test_t50_a_subcontractor_s_bill_stands_for_each_worked_hour_once(delivery: Delivery) -> None:
    deal = await with_a_vendor(delivery)
    assert await codes(delivery) == []
    assert await expected(delivery) == [("vendor", VENDOR, "US", "X901", "USD", 120, 0, Decimal("194.00"))]
    await delivery.propose(deal, "2026-10")
    (invoice,) = await delivery.rows("select net from invoice")
    assert invoice["net"] == Decimal("510.00"), "the customer pays the billable hours at the agreed rate"
    lending = operator(delivery).lending
    made = await lending.match(VENDOR, "INV-1", through=date(2026, 10, 9), actor=ANNA)
    assert (made["expected"], made["minutes"], made["currency"]) == (Decimal("95.00"), 60, "USD")
    with pytest.raises(Refused, match="matched before"):
        await lending.match(VENDOR, "INV-1", through=OCTOBER, actor=ANNA)
    made = await lending.match(VENDOR, "INV-2", through=OCTOBER, actor=ANNA)
    assert made["expected"] == Decimal("99.00")
    with pytest.raises(Unknown, match="waits for a bill"):
        await lending.match(VENDOR, "INV-3", through=OCTOBER, actor=ANNA)
    told = await delivery.rows("select action, object from audit where action = 'cost.match' order by id")
    assert told == [{"action": "cost.match", "object": VENDOR}] * 2


async def test_t50_what_changes_after_the_bill_is_open_again_with_the_difference_alone(delivery: Delivery) -> None:
    deal = await with_a_vendor(delivery)
    lending = operator(delivery).lending
    await lending.match(VENDOR, "INV-1", through=OCTOBER, actor=ANNA)
    await delivery.books.time(deal, [("T1", 1, 90)], person="X901")
    await delivery.books.time(deal, [("T2", 1, 60)], person="X901", work_date="2026-10-12", state="rejected")
    assert await expected(delivery) == [("vendor", VENDOR, "US", "X901", "USD", -30, 0, Decimal("-51.50"))]
    await lending.match(VENDOR, "CN-1", through=OCTOBER, actor=ANNA)
    assert await expected(delivery) == []


async def test_t50_a_bill_that_is_forgotten_would_be_noticed_as_open_work(delivery: Delivery) -> None:
    await with_a_vendor(delivery)
    await operator(delivery).lending.match(VENDOR, "INV-1", through=OCTOBER, actor=ANNA)
    async with delivery.database.transaction() as tx:  # a hub that does not keep what a bill stands for
        await tx.execute("delete from lender_bill_entry")
    assert [each[5] for each in await expected(delivery)] == [120]


async def test_whoever_is_hired_later_is_lent_until_then_and_on_the_timesheet_from_that_day(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await say(delivery, "subcontractor", "K003", VENDOR)
    await say(delivery, "subcontractor", "K003", "", "2026-10-10")
    await say(delivery, "subcontractor_rate", "K003", "95.00 USD")
    await delivery.books.time(deal, [("T1", 1, 60)])
    await delivery.books.time(deal, [("T2", 1, 30)], work_date="2026-10-10")
    assert await delivered(delivery) == 1
    assert [each[5] for each in await expected(delivery)] == [60]


async def test_a_vendor_whose_price_nobody_said_is_told_once_and_the_customer_is_billed(delivery: Delivery) -> None:
    deal = await delivery.books.deal(1)
    await say(delivery, "subcontractor", "X901", VENDOR)
    await delivery.books.time(deal, [("T1", 1, 60), ("T2", 1, 60)], person="X901")
    await delivered(delivery)
    assert (await delivery.holds())["time.vendor_rate_missing"]["vendor"] == VENDOR
    await delivery.propose(deal, "2026-10")
    assert [each["net"] for each in await delivery.rows("select net from invoice")] == [Decimal("680.00")]


async def test_a_row_that_was_wrong_is_put_right_and_the_work_goes_to_the_timesheet_after_all(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    await say(delivery, "subcontractor", "K003", VENDOR)
    await delivery.books.time(deal, [("T1", 1, 60)])
    assert await delivered(delivery) == 0
    await say(delivery, "subcontractor", "K003", "")
    assert await delivered(delivery) == 1
    assert await expected(delivery) == []
