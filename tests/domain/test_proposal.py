"""At the cut-off: one line per task and rate, evidence that sums to it, corrections as minus and plus."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.proposal import differences, due_period, engagement_of, hours_text, period_end, propose

CUSTOMER = Customer(key="CUS-00000001", name="Globex", source_id="001")
DEAL = Engagement(
    key="ENG-00000001", name="Data platform", stage="won", customer=CUSTOMER, currency="USD", source_id="006",
    payment_terms="Net 30", po_number="PO-7",
)  # fmt: skip
PROJECT = Project(
    key="PRJ-00000001", engagement=DEAL.key, name="Data platform", customer=CUSTOMER.key, legal_entity="US",
    currency="USD", department="410", tax_class="Sales tax 8%", contract_version=1, budget=Decimal(1000), rate_card="US 2026",
    tasks=(
        ProjectTask(key="PRJ-00000001/01", name="Discovery", role="Principal", hours=Decimal(40), rate=Decimal(340)),
        ProjectTask(key="PRJ-00000001/02", name="Pipelines", role="Data Engineer", hours=Decimal(9), rate=Decimal(210)),
    ),
)  # fmt: skip


def entry(minutes: int, task: str = "01", rate: str = "340.00", source: str = "TE-1") -> dict[str, Any]:
    return {
        "connection": "kantata", "source_id": source, "version": "v1", "task": f"PRJ-00000001/{task}", "role": "Principal",
        "agreed_rate": Decimal(rate), "minutes": minutes, "person": "K002", "work_date": date(2026, 10, 5),
        "approved_by": "K102", "approved_at": datetime(2026, 10, 9, tzinfo=UTC), "contract_version": 1, "rate_card": "US 2026",
        "rate_card_version": 1, "mapping": "kantata.time_entry@1",
    }  # fmt: skip


def proposed(*entries: dict[str, Any]) -> Any:
    proposal, problems = propose(DEAL, PROJECT, entries, period="2026-10", today=date(2026, 11, 2))
    assert not problems
    assert proposal is not None
    return proposal


def test_a_task_at_two_rates_makes_two_lines() -> None:
    invoice = proposed(entry(90), entry(30), entry(60, rate="350.00"), entry(45, task="02", rate="210.00")).invoice
    assert [(each.quantity, each.unit_price, each.amount) for each in invoice.lines] == [
        (Decimal("2.00"), Decimal("340.00"), Decimal("680.00")),
        (Decimal("1.00"), Decimal("350.00"), Decimal("350.00")),
        (Decimal("0.75"), Decimal("210.00"), Decimal("157.50")),
    ]
    assert invoice.net == Decimal("1187.50")
    assert invoice.key == "ENG-00000001-2026-10"
    assert engagement_of(invoice.key) == DEAL.key
    assert (invoice.payment_terms, invoice.po_number, invoice.tax_class) == ("Net 30", "PO-7", "Sales tax 8%")


@given(st.lists(st.integers(min_value=1, max_value=1440), min_size=1, max_size=40))
def test_evidence_and_residue_always_sum_to_the_line(minutes: list[int]) -> None:
    proposal = proposed(*(entry(each, source=f"TE-{i}") for i, each in enumerate(minutes)))
    (line,) = proposal.invoice.lines
    assert sum(each["amount"] for each in proposal.evidence) + proposal.rounding[line.key] == line.amount
    assert sum(each["minutes"] for each in proposal.evidence) == sum(minutes)


def test_an_entry_that_moved_to_another_task_is_taken_back_there_and_billed_here() -> None:
    proposal = proposed(entry(-60), entry(60, task="02", rate="350.00"))
    assert [(each.task[-2:], each.amount) for each in proposal.invoice.lines] == [
        ("01", Decimal("-340.00")),
        ("02", Decimal("350.00")),
    ]


def test_corrections_larger_than_the_work_are_a_credit_and_finance_decides_it() -> None:
    proposal, problems = propose(DEAL, PROJECT, [entry(-60)], period="2026-10", today=date(2026, 11, 2))
    assert proposal is None
    assert [each.code for each in problems] == ["billing.negative"]
    assert problems[0].facts["amount"] == "-340.00 USD"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"net": "340.00", "tax": "27.20", "total": "367.20", "taxes": ["Sales tax 8%"]}, None),
        ({"net": "340.00", "tax": "27.20", "total": "367.20"}, None),
        ({"net": "339.99", "tax": "27.20", "total": "367.19"}, "invoice.totals_differ"),
        ({"net": "340.00", "tax": "27.20", "total": "367.21"}, "invoice.totals_differ"),
        ({"net": "340.00", "tax": "0", "total": "340.00", "taxes": []}, "invoice.tax_differs"),
    ],
)
def test_what_the_erp_computed_is_compared_to_the_cent(told: dict[str, Any], code: str | None) -> None:
    problems = differences(proposed(entry(60)).invoice, told, link="")
    assert [each.code for each in problems] == ([code] if code else [])


def test_a_month_is_due_days_after_its_end() -> None:
    assert due_period(2, date(2026, 11, 1)) == "2026-09"
    assert due_period(2, date(2026, 11, 3)) == "2026-10"
    assert due_period(0, date(2027, 1, 1)) == "2026-12"
    assert period_end("2028-02") == date(2028, 2, 29)


def test_hours_read_as_hours() -> None:
    assert hours_text(95) == "1.58"
