"""A won deal becomes a contract and a project: hours as sold, rates as agreed, budget as signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.firm import Firm
from tieout.domain.planning import first_contract, plan_projects
from tieout.domain.readiness import Enriched

Make = Callable[..., Any]
SIGNED = date(2026, 10, 1)


def basis(firm: Firm) -> Enriched:
    return Enriched("US", "410", firm.packages[0], "US 2026")


def planned(deal: Engagement, firm: Firm) -> Project:
    contract = first_contract(deal, basis(firm), effective_from=SIGNED)
    (project,) = plan_projects(deal, contract.current, basis(firm), firm.rate_cards[0], key="PRJ-1")
    return project


def test_the_first_contract_is_the_deal_as_it_was_signed(make_deal: Make, firm: Firm) -> None:
    contract = first_contract(make_deal(), basis(firm), effective_from=SIGNED)
    baseline = contract.current
    assert (contract.key, contract.legal_entity, contract.customer) == ("ENG-00000001", "US", "CUS-00000001")
    assert (baseline.version, baseline.effective_from, baseline.amount) == (1, SIGNED, Decimal(98000))
    assert baseline.lines == make_deal().lines


def test_tasks_carry_the_hours_sold_and_where_none_were_sold_those_of_the_package(make_deal: Make, firm: Firm) -> None:
    project = planned(make_deal(), firm)
    assert [(task.key, task.name, task.hours) for task in project.tasks] == [
        ("PRJ-1/01", "Discovery", Decimal(48)),
        ("PRJ-1/02", "Reporting", Decimal(120)),
    ]


def test_rates_are_those_of_the_day_the_project_starts(make_deal: Make, firm: Firm) -> None:
    assert [task.rate for task in planned(make_deal(), firm).tasks] == [Decimal("340.00"), Decimal("175.00")]
    later = planned(make_deal(start=date(2026, 10, 15)), firm)
    assert [task.rate for task in later.tasks] == [Decimal("350.00"), Decimal("180.00")]


def test_without_a_start_the_day_of_the_contract_decides(make_deal: Make, firm: Firm) -> None:
    assert planned(make_deal(start=None), firm).tasks[0].rate == Decimal("340.00")


def test_a_role_without_a_rate_is_planned_at_nothing_rather_than_at_a_guess(make_deal: Make, firm: Firm) -> None:
    assert {task.rate for task in planned(make_deal(start=date(2025, 1, 1)), firm).tasks} == {Decimal(0)}


def test_the_budget_is_the_contract_and_the_payer_is_who_gets_the_bill(make_deal: Make, firm: Firm) -> None:
    payer = Customer(key="CUS-PAYER", name="Globex Shared Services", source_id="009")
    project = planned(make_deal(bill_to=payer), firm)
    assert (project.budget, project.customer) == (Decimal(98000), "CUS-PAYER")
    assert planned(make_deal(), firm).customer == "CUS-00000001"
