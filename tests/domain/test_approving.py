"""What finance must accept, and when one person is not enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.approving import acceptances, discount_terms
from tieout.domain.documents.engagement import ContractLine
from tieout.domain.firm import ApprovalRule, Firm

Make = Callable[..., Any]
DAY = date(2026, 10, 5)


def sold(role: str, rate: str, row: str = "1") -> ContractLine:
    return ContractLine(id=row, description=role, role=role, rate=Decimal(rate), hours=Decimal(8), amount=Decimal(1))


def ruled(make_firm: Make, **rules: Any) -> Firm:
    return make_firm(approvals=ApprovalRule(**rules))


def test_one_person_is_enough_up_to_the_limit_and_two_are_needed_above_it(make_firm: Make) -> None:
    firm = ruled(make_firm, two_people_above={"USD": Decimal(500000)})
    one, two = ["Finance accepts the terms"], ["Finance accepts the terms", "A second person accepts the terms"]
    assert acceptances("the terms", firm, Decimal(500000), "USD") == one
    assert acceptances("the terms", firm, Decimal("500000.01"), "USD") == two
    assert acceptances("the terms", firm, Decimal(10**9), "EUR") == one
    assert acceptances("the terms", firm, None, "USD") == one


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
