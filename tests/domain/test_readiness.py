"""What a deal lacks is said all at once, in words that end the wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.customer import Address, Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.firm import Firm, TableRow, ValueTable
from tieout.domain.problems import Problem, explain
from tieout.domain.readiness import (
    Enriched,
    enrich,
    hierarchy_problems,
    missing_for_billing,
    missing_for_kickoff,
    terms_needing_finance,
)
from tieout.domain.values import ValueTables

Make = Callable[..., Any]
DAY = date(2026, 10, 1)


def codes(problems: list[Problem]) -> list[str]:
    return [each.code for each in problems]


def gaps(deal: Engagement) -> list[Problem]:
    return missing_for_kickoff(deal, link="/x")


def enriched(deal: Engagement, firm: Firm) -> tuple[Enriched | None, list[Problem]]:
    return enrich(deal, firm, ValueTables(firm.shipped_rows("folder")), on=DAY, link="/x")


def test_a_deal_that_has_all_it_needs_lacks_nothing(make_deal: Make) -> None:
    assert gaps(make_deal()) == []


def test_every_missing_fact_is_told_at_once(make_deal: Make) -> None:
    nobody = Customer(key="CUS-2", name="", source_id="002")
    bare = make_deal(
        customer=nobody,
        legal_entity="",
        currency="",
        amount=None,
        practice="",
        package="",
        start=None,
        end=None,
        payment_terms="",
        project_manager="",
    )
    problems = gaps(bare)
    assert codes(problems) == ["deal.field_missing"] * 12
    assert [each.facts["field"] for each in problems][-3:] == [
        "customer.name",
        "customer.address.country",
        "customer.tax_id",
    ]
    assert explain(problems[0]).why.endswith("nobody can book time on an unknown amount of sold work.")


def test_a_tax_id_without_a_number_is_missing(make_deal: Make) -> None:
    deal = make_deal()
    customer = deal.customer.model_copy(update={"tax_id": deal.customer.tax_id.model_copy(update={"code": ""})})
    assert [each.facts["label"] for each in gaps(make_deal(customer=customer))] == ["The customer's tax id"]


def test_an_end_before_the_start_is_impossible(make_deal: Make) -> None:
    (problem,) = gaps(make_deal(end=date(2026, 9, 30)))
    assert problem.code == "deal.field_invalid"
    assert explain(problem).what == (
        "The expected end date on the deal “Globex data platform” is 2026-09-30, which cannot be right: "
        "it is before the start, 2026-10-05."
    )


@pytest.mark.parametrize("amount", [Decimal(0), Decimal("-1.00")])
def test_a_sold_project_is_worth_something(make_deal: Make, amount: Decimal) -> None:
    assert codes(gaps(make_deal(amount=amount))) == ["deal.field_invalid"]


def test_entity_department_package_and_rate_card_are_derived(make_deal: Make, firm: Firm) -> None:
    found, problems = enriched(make_deal(), firm)
    assert problems == []
    assert found is not None
    assert (found.entity, found.department, found.package.key, found.rate_card) == (
        "US",
        "410",
        "DATA-FOUNDATION",
        "US 2026",
    )


def test_a_region_stands_for_a_legal_entity_when_the_table_says_so(make_deal: Make, firm: Firm) -> None:
    found, _ = enriched(make_deal(legal_entity="Europe", currency="EUR"), firm)
    assert found is not None
    assert (found.entity, found.rate_card) == ("DE", "DE 2026")


def test_everything_that_cannot_be_derived_is_told_at_once(make_deal: Make, firm: Firm) -> None:
    lost = make_deal(legal_entity="Mars", practice="Alchemy", package="GOLD", payment_terms="Net 999")
    found, problems = enriched(lost, firm)
    assert found is None
    assert codes(problems) == ["deal.field_invalid", "value.missing", "value.missing", "package.unknown"]
    assert {each.facts.get("table") for each in problems} >= {"legal_entity", "practice_department"}


def test_terms_of_unknown_length_do_not_slip_past_finance(make_deal: Make, firm: Firm) -> None:
    found, problems = enriched(make_deal(payment_terms="Net 90"), firm)
    assert found is None
    assert "the firm's payment terms are Net 30, Net 60" in explain(problems[0]).what


def test_a_firm_without_a_list_of_terms_takes_them_as_they_come(make_deal: Make, make_firm: Make) -> None:
    found, _ = enriched(make_deal(payment_terms="Net 90"), make_firm(payment_terms={}))
    assert found is not None


def test_a_price_is_never_converted_in_silence(make_deal: Make, firm: Firm) -> None:
    found, problems = enriched(make_deal(currency="EUR"), firm)
    assert found is None
    assert codes(problems) == ["deal.currency_differs"]


def test_a_practice_is_known_from_the_day_its_row_is_valid(make_deal: Make, make_firm: Make) -> None:
    rows = (TableRow(key="Data & AI", value="410", valid_from=date(2026, 10, 2)),)
    firm = make_firm(tables=(ValueTable(name="practice_department", purpose="department", rows=rows),))
    assert codes(enriched(make_deal(), firm)[1]) == ["value.missing"]


def test_a_firm_with_a_table_of_tax_classes_gets_one_for_each_deal(make_deal: Make, make_firm: Make) -> None:
    department, region = make_firm().tables
    row = TableRow(key="Data & AI", value="Sales tax 8%", entity="US")
    firm = make_firm(tables=(department, region, ValueTable(name="tax_class", purpose="tax class", rows=(row,))))
    found, _ = enriched(make_deal(), firm)
    assert found is not None
    assert found.tax_class == "Sales tax 8%"
    german = make_deal(legal_entity="DE", currency="EUR")
    assert [each.facts["table"] for each in enriched(german, firm)[1]] == ["tax_class"]


def test_billing_waits_for_a_purchase_order_that_the_customer_demands(make_deal: Make) -> None:
    demanding = make_deal(po_required=True)
    assert codes(missing_for_billing(demanding, link="/x")) == ["billing.po_missing"]
    assert missing_for_billing(make_deal(po_required=True, po_number="4500012345"), link="/x") == []


def test_signed_paper_that_differs_stops_the_invoice_and_not_the_kickoff(make_deal: Make) -> None:
    deal = make_deal(signed_payment_terms="Net 60")
    assert gaps(deal) == []
    assert codes(missing_for_billing(deal, link="/x")) == ["deal.terms_differ"]
    assert missing_for_billing(make_deal(signed_payment_terms="Net 30"), link="/x") == []


def test_finance_reads_in_words_what_it_accepts(make_deal: Make, firm: Firm) -> None:
    deal = make_deal(amount=Decimal("250000.01"), payment_terms="Net 60")
    assert terms_needing_finance(deal, firm) == [
        "Amount 250,000.01 USD is above 250,000.00 USD",
        "Payment terms Net 60 are longer than 45 days",
    ]


def test_terms_at_the_limit_need_nobody(make_deal: Make, make_firm: Make) -> None:
    assert terms_needing_finance(make_deal(amount=Decimal(250000)), make_firm()) == []
    assert terms_needing_finance(make_deal(amount=Decimal(10**9), currency="EUR"), make_firm()) == []


def test_a_parent_that_is_its_own_descendant_is_found_whatever_the_way_round(make_deal: Make) -> None:
    def company(letter: str) -> Customer:
        return Customer(key=letter, name=f"Company {letter}", address=Address(), source_id=letter)

    assert hierarchy_problems([company("A"), company("B"), company("C")], link="/x") == []
    (problem,) = hierarchy_problems([company(letter) for letter in "ABCA"], link="/x")
    assert problem.facts["path"] == "Company A → Company B → Company C → Company A"
