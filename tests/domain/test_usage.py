"""Metered usage: each unit at the price of its own day and tier, a month rounded once, a minimum that is owed in any case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.charging.due import due
from tieout.domain.charging.fees import Due, Reading
from tieout.domain.charging.usage import shares, tiered
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.terms import Sold, Tier, UsageTerms
from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.money import Money, total

FIRM = Firm(
    name="Kestrel", entities=(LegalEntity(code="DE", name="Kestrel GmbH", currency="EUR"),), connections={},
    packages=(ServicePackage(key="DATA", name="Data", practice="Data", product="Usage", tasks=()),),
)  # fmt: skip
TIERS = UsageTerms(
    unit="GB", included=Decimal(100),
    tiers=(Tier(upto=Decimal(200), price=Decimal("0.50")), Tier(upto=None, price=Decimal("0.20"))),
)  # fmt: skip


def flat(price: str, minimum: str = "0") -> UsageTerms:
    return UsageTerms(unit="GB", tiers=(Tier(price=Decimal(price)),), minimum=Decimal(minimum))


def version(
    terms: UsageTerms, number: int = 1, since: date = date(2026, 9, 1), end: date | None = None
) -> ContractVersion:
    sold = Sold(id="S", package="DATA", terms=terms, start=date(2026, 9, 1), end=end)
    return ContractVersion(
        version=number, effective_from=since, amount=Decimal(1), currency="EUR", lines=(), sold=(sold,)
    )


def owed(
    versions: Sequence[ContractVersion], *readings: Reading, through: date = date(2026, 12, 31), lack: str = ""
) -> list[Due]:
    return due(versions, FIRM, through=through, accepted={}, readings={"S": readings}, sabotage=frozenset({lack}))


def told(dues: Sequence[Due]) -> list[tuple[str, str, str, int]]:
    return [(each.event.ref, str(each.event.day), str(each.event.worth.amount), each.contract_version) for each in dues]


def gb(units: str, day: date, ref: str = "r", *, waits: bool = False) -> Reading:
    return Reading(ref, day, Decimal(units), waits=waits)


@pytest.mark.parametrize(
    ("units", "price"), [("0", "0"), ("100", "0"), ("150", "25.00"), ("200", "50.00"), ("300", "70.00")]
)
def test_each_unit_costs_the_price_of_its_own_tier(units: str, price: str) -> None:
    assert tiered(TIERS, Decimal(units)) == Decimal(price)


@given(st.lists(st.tuples(st.dates(date(2026, 9, 1), date(2026, 11, 30)), st.decimals(0, 500, places=3)), max_size=12))
def test_a_month_of_usage_is_shared_out_to_its_records_to_the_cent(records: list[tuple[date, Decimal]]) -> None:
    readings = [Reading(f"r{number}", day, units) for number, (day, units) in enumerate(records)]
    for each in owed([version(TIERS)], *readings):
        month = [one for one in readings if f"{one.day:%Y-%m}" == each.basis["month"]]
        assert total(shares(each.event.worth, each.readings).values(), "EUR") == each.event.worth
        assert {one.ref for one in each.readings} == {one.ref for one in month}
        assert each.event.worth.amount == Money(tiered(TIERS, Decimal(each.basis["units"])), "EUR").rounded().amount


def test_usage_within_what_is_included_is_no_event() -> None:
    assert owed([version(TIERS)], gb("100", date(2026, 9, 1))) == []
    assert shares(Money.zero("EUR"), [gb("1", date(2026, 9, 1))]) == {}


def test_a_month_is_rounded_once_however_many_readings_it_has() -> None:
    # 31 readings of a third of a cent each are 0.1033, not 31 times nothing.
    readings = [gb("1", date(2026, 10, day), f"r{day}") for day in range(1, 32)]
    assert told(owed([version(flat("0.00333"))], *readings)) == [("S/2026-10", "2026-10-31", "0.10", 1)]


def test_each_reading_costs_what_the_version_of_its_day_says() -> None:
    versions = [version(flat("1.00")), version(flat("2.00"), 2, date(2026, 10, 16))]
    readings = [gb("10", date(2026, 10, 15), "a"), gb("10", date(2026, 10, 16), "b"), gb("5", date(2026, 11, 2), "c")]
    assert told(owed(versions, *readings)) == [
        ("S/2026-10", "2026-10-15", "10.00", 1), ("S/2026-10/v2", "2026-10-31", "20.00", 2), ("S/2026-11", "2026-11-30", "10.00", 2)
    ]  # fmt: skip


def test_what_is_included_is_used_up_once_although_the_month_has_two_prices() -> None:
    dearer = TIERS.model_copy(update={"tiers": (Tier(price=Decimal(1)),)})
    versions = [version(TIERS), version(dearer, 2, date(2026, 10, 16))]
    # 80 of the 100 that are free in the first half, 20 in the second, and 30 at the new price.
    readings = [gb("80", date(2026, 10, 1), "a"), gb("50", date(2026, 10, 20), "b")]
    assert told(owed(versions, *readings)) == [("S/2026-10/v2", "2026-10-31", "30.00", 2)]


def test_a_month_costs_its_minimum_at_least_and_a_begun_one_by_its_days() -> None:
    versions = [version(flat("1.00", minimum="310"), end=date(2026, 11, 10))]
    assert told(owed(versions, gb("300", date(2026, 10, 5)))) == [
        ("S/2026-09/minimum", "2026-09-30", "310.00", 1), ("S/2026-10", "2026-10-31", "300.00", 1),
        ("S/2026-10/minimum", "2026-10-31", "10.00", 1), ("S/2026-11/minimum", "2026-11-10", "103.33", 1),
    ]  # fmt: skip
    assert owed(versions, through=date(2026, 9, 29)) == []


def test_a_month_waits_whole_for_one_reading_that_waits() -> None:
    readings = [
        gb("5", date(2026, 10, 5), "a"),
        gb("5", date(2026, 10, 6), "b", waits=True),
        gb("1", date(2026, 11, 6), "c"),
    ]
    assert [(each.basis["month"], each.waits) for each in owed([version(flat("1"))], *readings)] == [
        ("2026-10", True), ("2026-11", False)
    ]  # fmt: skip


def test_what_is_billed_of_a_month_stands_while_its_only_reading_waits() -> None:
    versions = [version(flat("1.00", minimum="3"))]
    waits = owed(versions, gb("0", date(2026, 9, 5), waits=True), through=date(2026, 9, 30))
    assert [(each.event.ref, each.waits) for each in waits] == [("S/2026-09", True), ("S/2026-09/minimum", True)]


def test_the_same_readings_in_another_order_are_the_same_basis_and_a_corrected_one_is_another() -> None:
    a, b = gb("5", date(2026, 10, 5), "a"), gb("7", date(2026, 10, 6), "b")
    first, second = owed([version(flat("1"))], a, b), owed([version(flat("1"))], b, a)
    assert first == second
    (corrected,) = owed([version(flat("1"))], a, Reading("b", b.day, b.units, version=2))
    assert corrected.basis["readings"] != first[0].basis["readings"]


@pytest.mark.parametrize(
    ("lack", "price", "waits"),
    [("", ["0.03", "0.10"], True), ("newest_price", ["0.10", "0.10"], True), ("each_rounded", ["0.10"], True),
     ("goes_on", ["0.03", "0.10"], False)],
)  # fmt: skip
def test_a_hub_that_prices_by_another_day_rounds_too_often_or_does_not_wait_is_noticed(
    lack: str, price: list[str], waits: bool
) -> None:
    versions = [version(flat("0.003")), version(flat("0.01"), 2, date(2026, 10, 16))]
    readings = [gb("1", date(2026, 10, 1 + n), f"r{n}", waits=n == 0) for n in range(10)]
    found = owed(versions, *readings, gb("10", date(2026, 10, 20), "z"), lack=lack)
    assert [str(each.event.worth.amount) for each in found if each.event.worth] == price
    assert all(each.waits is waits for each in found)
