"""What finance must accept, and when one person is not enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.approving import acceptances, discount_terms, gate_terms
from tieout.domain.documents.engagement import ContractLine
from tieout.domain.firm import ApprovalGate, ApprovalRule, Firm
from tieout.domain.routing import HoldRules, Team

Make = Callable[..., Any]
DAY = date(2026, 10, 5)


def sold(role: str, rate: str, row: str = "1") -> ContractLine:
    return ContractLine(id=row, description=role, role=role, rate=Decimal(rate), hours=Decimal(8), amount=Decimal(1))


def ruled(make_firm: Make, **rules: Any) -> Firm:
    return make_firm(approvals=ApprovalRule(**rules))


def test_one_person_is_enough_up_to_the_limit_and_two_are_needed_above_it(make_firm: Make) -> None:
    firm = ruled(make_firm, two_people_above={"USD": Decimal(500000)})
    one, two = ["Finance accepts the terms"], ["Finance accepts the terms", "A second person accepts the terms"]

    def titles(amount: Decimal | None, currency: str) -> list[str]:
        return [each.title for each in acceptances("the terms", firm, amount, currency, entity="US")]

    assert titles(Decimal(500000), "USD") == one
    assert titles(Decimal("500000.01"), "USD") == two
    assert titles(Decimal(10**9), "EUR") == one
    assert titles(None, "USD") == one


def gated(make_firm: Make, **gate: Any) -> Firm:
    partners = Team(members=("Kim@firm.example", "lee@firm.example"), lead="kim@firm.example")
    return make_firm(
        approvals=ApprovalRule(gates=(ApprovalGate(name="The partners", team="partners", **gate),)),
        holds=HoldRules(teams={"partners": partners}),
    )


def test_a_gate_asks_people_of_its_team_each_for_an_approval_of_their_own(make_firm: Make) -> None:
    firm = gated(make_firm, people=2, entities=("DE",), amount_above={"EUR": Decimal(100000)})
    team = ("kim@firm.example", "lee@firm.example")
    asked = acceptances("the terms", firm, Decimal(100001), "EUR", entity="DE", finance=False)
    assert [(each.title, each.of) for each in asked] == [
        ("The partners accept the terms (1 of 2)", team), ("The partners accept the terms (2 of 2)", team)
    ]  # fmt: skip
    assert gate_terms(firm, Decimal(100001), "EUR", entity="DE") == [
        "The partners: 100,001.00 EUR, more than 100,000.00 EUR for DE"
    ]
    with_finance = acceptances("the terms", firm, Decimal(100001), "EUR", entity="DE")
    assert with_finance[0].title == "Finance accepts the terms"


@pytest.mark.parametrize(
    ("entity", "amount", "currency"),
    [("US", "100001", "EUR"), ("DE", "100000", "EUR"), ("DE", "100001", "USD"), ("DE", None, "EUR")],
)
def test_a_gate_is_for_its_entities_and_above_its_amounts_alone(
    make_firm: Make, entity: str, amount: str | None, currency: str
) -> None:
    firm, worth = gated(make_firm, entities=("DE",), amount_above={"EUR": Decimal(100000)}), amount and Decimal(amount)
    assert acceptances("the terms", firm, worth or None, currency, entity=entity, finance=False) == []
    assert gate_terms(firm, worth or None, currency, entity=entity) == []


def test_a_gate_without_an_amount_or_an_entity_is_for_every_contract(make_firm: Make) -> None:
    firm = gated(make_firm)
    assert [each.title for each in acceptances("it", firm, None, "USD", entity="US", finance=False)] == [
        "The partners accept it"
    ]
    assert gate_terms(firm, None, "USD", entity="US") == ["The partners: every contract"]


def test_a_role_far_below_the_rate_card_is_told_once_with_its_share(make_deal: Make, make_firm: Make) -> None:
    firm = ruled(make_firm, discount_above=Decimal("0.1"))
    card = firm.rate_cards[0]
    deal = make_deal(lines=(sold("Principal", "300"), sold("Principal", "300", "2"), sold("Consultant", "157.50")))
    assert discount_terms(deal, firm, card, on=DAY) == [
        "Principal at 300 is 11.8% below the rate card, more than 10.0%"
    ]
    free = make_deal(lines=(sold("Astronaut", "1"), sold("", "1"), sold("Principal", "0")))
    assert discount_terms(free, firm, card, on=DAY) == []
    assert discount_terms(deal, ruled(make_firm), card, on=DAY) == []
