"""Kestrel's description fits together: whoever is named is there, and every task can be done at a rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tieout.sandbox.firm import KestrelFirm, load
from tieout.sandbox.story.deals import ACCOUNT_STEPS, DEALS, STEPS


@pytest.fixture(scope="module")
def firm() -> KestrelFirm:
    return load()


def test_every_entity_has_somebody_who_sells_leads_and_keeps_the_books(firm: KestrelFirm) -> None:
    for entity in firm.entities:
        assert firm.seller(entity.code).entity == firm.lead(entity.code).entity == firm.clerk(entity.code).entity
        assert firm.card(entity.code).currency == entity.currency


def test_every_task_has_a_rate_from_the_first_day_on(firm: KestrelFirm) -> None:
    roles = {task.role for package in firm.packages for task in package.tasks}
    for card in firm.rate_cards:
        assert roles <= card.on(firm.story.first_day).rates.keys()


def test_a_card_is_read_at_the_day_of_the_work(firm: KestrelFirm) -> None:
    card = firm.card("US")
    assert card.on(date(2026, 10, 14)).rates["Principal"] == Decimal("340.00")
    assert card.on(date(2026, 10, 15)).rates["Principal"] == Decimal("350.00")


def test_a_description_with_a_word_too_many_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "firm.yaml"
    path.write_text("name: Kestrel\nmotto: onwards\n")
    with pytest.raises(ValueError, match="motto"):
        load(path)


def test_the_script_speaks_of_deals_packages_and_customers_that_exist(firm: KestrelFirm) -> None:
    keys = [each.key for each in DEALS]
    assert len(set(keys)) == len(keys)
    duplicates = {each.duplicate for each in ACCOUNT_STEPS}
    for deal in DEALS:
        assert firm.package(deal.package)
        assert deal.account in duplicates or firm.customer(deal.account).entity == deal.entity
        assert deal.hours.keys() <= {each.name for each in firm.package(deal.package).tasks}
    assert {each.deal for each in STEPS} <= set(keys)
    assert [each.on for each in STEPS] == sorted(each.on for each in STEPS)


def test_the_script_has_what_a_hub_must_cope_with(firm: KestrelFirm) -> None:
    won = {each.deal for each in STEPS if each.did == "won"}
    deals = {each.key: each for each in DEALS if each.key in won}
    assert len(deals) == 10
    assert {each.entity for each in deals.values()} == {"US", "DE"}
    departments = {each.name: each.department for each in firm.practices}
    assert [each for each, deal in deals.items() if departments[firm.package(deal.package).practice] is None]
    assert [each for each in deals.values() if each.account in firm_children(firm)]
    assert any(each.facts.get("PO_Required__c") for each in deals.values())
    assert any(each.facts.get("Signed_Payment_Terms__c") for each in deals.values())


def firm_children(firm: KestrelFirm) -> set[str]:
    return {each.name for each in firm.customers if each.parent}
