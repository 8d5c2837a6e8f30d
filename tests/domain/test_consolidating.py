"""Proposals of several engagements on one document (T43, T52), and what finance decides of it, as shares to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.test_proposal import DEAL, entry, proposed

from tieout.domain.consolidating import (
    Asked,
    Consolidation,
    Head,
    by_payer,
    document,
    gathered,
    is_as_drafted,
    left_out,
    lines_differ,
    still_deciding,
    sums_differ,
)
from tieout.domain.documents.billing import Invoice
from tieout.domain.money import Money
from tieout.domain.paying import SplitBilling
from tieout.domain.problems import explain
from tieout.domain.proposal import Proposal
from tieout.domain.sharing import Member, cut, shares

PER_CUSTOMER, PER_ORDER = (Consolidation(one_per=each) for each in ("customer", "purchase_order"))


def other(**changes: Any) -> Proposal:
    """A proposal of another engagement of the same customer."""
    alike = {"key": "ENG-00000002-2026-10", "engagement": "ENG-00000002", "project": "PRJ-00000002", **changes}
    made: Proposal = proposed(entry(30))
    return replace(made, invoice=made.invoice.model_copy(update=alike))


def one_document() -> tuple[str, Invoice]:
    made = [gathered([PER_CUSTOMER], each) for each in (proposed(entry(60)), other())]
    head = made[0][1]
    assert head is not None
    assert head == made[1][1]
    return head.key(1), document(head.key(1), head, [each.invoice for each, _ in made])


def told_of(invoice: Invoice, **changes: Any) -> dict[str, Any]:
    """The ERP's word for it, as it was proposed."""
    lines = [
        {name: str(getattr(each, name)) for name in ("description", "quantity", "unit_price", "amount")}
        for each in invoice.lines
    ]
    net = str(invoice.net)
    return {"currency": "USD", "net": net, "tax": "0", "total": net, "lines": lines, **changes}


def test_t43_the_lines_of_one_document_say_their_projects_and_its_head_says_none() -> None:
    key, whole = one_document()
    assert (whole.key, whole.project, whole.engagement, whole.po_number) == (key, "", "", "")
    assert [each.description for each in whole.lines] == [
        "Data platform: Discovery, Principal, 2026-10 (PRJ-00000001, order PO-7)",
        "Data platform: Discovery, Principal, 2026-10 (PRJ-00000002, order PO-7)",
    ]
    assert [each.key for each in whole.lines] == ["001", "002"]
    assert (whole.net, whole.payment_terms, whole.tax_class) == (Decimal("510.00"), "Net 30", "Sales tax 8%")


def test_the_first_rule_that_is_of_the_payer_counts_and_without_one_everything_stays_alone() -> None:
    alone = Consolidation(customer=DEAL.customer.key, one_per="project")
    stranger = Consolidation(customer="CUS-ZZZZZZZZ", one_per="customer")
    for rules in ([], [alone, PER_CUSTOMER], [stranger]):
        same = proposed(entry(60))
        assert gathered(rules, same) == (same, None)
    _, head = gathered([stranger, PER_ORDER], proposed(entry(60)))
    assert head is not None
    assert head.po_number == "PO-7"
    made, head = gathered([PER_ORDER], other(po_number=""))
    assert head is not None
    assert made.invoice.lines[0].description.endswith("(PRJ-00000002)")


def test_the_projects_of_an_engagement_may_have_one_document_of_their_own() -> None:
    per = [Consolidation(one_per="engagement")]
    first, head = gathered(per, proposed(entry(60)))
    assert head is not None
    assert (head.engagement, head.po_number) == (DEAL.key, "PO-7")
    assert first.invoice.lines[0].description.endswith("(PRJ-00000001)")
    assert gathered(per, other(engagement=DEAL.key))[1] == head
    assert gathered(per, other())[1] != head
    assert replace(MINE, engagement=DEAL.key, po_number="").may_stand_on(replace(head, customer=A, tax_class=""))
    assert not MINE.may_stand_on(head)


def test_what_differs_in_the_head_is_on_another_document() -> None:
    heads = [
        gathered([PER_ORDER], other(**change))[1]
        for change in (
            {}, {"po_number": "PO-8"}, {"payment_terms": "Net 60"}, {"tax_class": ""}, {"currency": "EUR"},
            {"legal_entity": "DE"}, {"customer": "CUS-ZZZZZZZZ"}, {"through": date(2026, 11, 30)},
        )
    ]  # fmt: skip
    assert len({each.key(1) for each in heads if each}) == len(heads)
    first = heads[0]
    assert first is not None
    assert (first.key(1)[:4], first.key(1)[12:], first.key(2)[12:]) == ("CON-", "-2026-10", "-2026-10-2")


def test_t44_a_credit_note_stays_alone() -> None:
    note = other(corrects=("2026/0001",))
    assert gathered([PER_CUSTOMER], note) == (note, None)


def test_the_erp_s_document_is_compared_line_by_line_and_by_currency() -> None:
    _, whole = one_document()
    as_proposed = told_of(whole, tax="40.80", total="550.80", taxes=["Sales tax 8%"])
    assert sums_differ(whole, as_proposed, link="/x") == lines_differ(whole, as_proposed, link="/x") == []
    assert is_as_drafted(whole, as_proposed)
    (currency,) = sums_differ(whole, {**as_proposed, "currency": "EUR"}, link="/x")
    assert currency.facts["erp"] == "510.00 EUR"
    (total,) = sums_differ(whole, {**as_proposed, "total": "551.00"}, link="/x")
    assert "551.00 in total" in total.facts["erp"]
    first, second = as_proposed["lines"]
    moved = [{**first, "amount": "350.00"}, {**second, "amount": "160.00"}]
    (line,) = lines_differ(whole, {**as_proposed, "lines": moved}, link="/x")
    assert "of 350.00 USD and 1 more for invoice" in explain(line).what
    assert not is_as_drafted(whole, {**as_proposed, "lines": moved})
    (gone,) = lines_differ(whole, {**as_proposed, "lines": [first]}, link="/x")
    assert gone.facts["erp"] == "no such line"


A, B = "CUS-AAAAAAAA", "CUS-BBBBBBBB"
HEAD = Head("US", A, "USD", "Net 30", "", "", "2026-10")
MINE = Asked("ENG-1", "Data", "US", A, A, "USD", "Net 30", "", "queued")


def test_a_document_waits_for_who_is_being_decided_and_leaves_out_who_waits() -> None:
    held = replace(MINE, state="held")
    assert still_deciding(HEAD, {A: [MINE]})
    assert not still_deciding(HEAD, {A: [held, replace(MINE, state="waiting")]})
    assert not still_deciding(replace(HEAD, currency="EUR"), {A: [MINE]})
    assert not still_deciding(replace(HEAD, customer=B), {A: [MINE]})
    assert left_out(HEAD, {A: [held, MINE]}) == [held]


def test_an_engagement_may_be_billed_to_its_customer_its_bill_to_and_whoever_pays_a_share() -> None:
    payers = [{"customer": A, "share": "0.4"}, {"customer": B, "share": "0.6"}]
    split = SplitBilling.model_validate({"customer": B, "rest": B, "payers": payers})
    shared, other_ = replace(MINE, customer=B, bill_to="CUS-C"), replace(MINE, customer="CUS-D", bill_to="CUS-D")
    assert by_payer([shared, other_], [split]) == {A: [shared], B: [shared], "CUS-C": [shared], "CUS-D": [other_]}


@pytest.mark.parametrize(
    ("head", "mine", "stands"),
    [
        ({}, {"legal_entity": ""}, True),
        ({}, {"legal_entity": "DE"}, False),
        ({}, {"currency": "EUR"}, False),
        ({}, {"payment_terms": "Net 60"}, False),
        ({}, {"po_number": "4711"}, True),
        ({"po_number": "4711"}, {"po_number": " 4711 "}, True),
        ({"po_number": "4711"}, {"po_number": "4712"}, False),
        ({"po_number": "4711"}, {"po_number": ""}, True),
    ],
)
def test_what_cannot_stand_on_a_document_is_not_missed_there(
    head: dict[str, str], mine: dict[str, str], stands: bool
) -> None:
    assert replace(MINE, **mine).may_stand_on(replace(HEAD, **head)) is stands


def told(
    total: str, tax: str = "0.00", payments: tuple[str, ...] = (), open_amount: str = "", state: str = "posted"
) -> dict[str, Any]:
    paid = sum((Decimal(each) for each in payments), Decimal(0))
    return {
        "state": state, "number": "2026/0001", "invoice_date": "2026-11-02", "due_date": None, "disputed": "",
        "net": str(Decimal(total) - Decimal(tax)), "tax": tax, "total": total,
        "open_amount": open_amount or str(Decimal(total) - paid),
        "payments": [{"id": str(n), "paid_on": "2026-11-20", "amount": each} for n, each in enumerate(payments)],
    }  # fmt: skip


THREE = [Member(key, Decimal(net), Decimal(net)) for key, net in (("A", "33.33"), ("B", "33.33"), ("C", "33.34"))]
cents = st.integers(min_value=1, max_value=10**9).map(lambda units: Decimal(units).scaleb(-2))


@given(
    st.lists(st.tuples(cents, st.booleans()), min_size=1, max_size=8),
    st.integers(min_value=0, max_value=10**8),
    st.lists(st.integers(min_value=0, max_value=100), max_size=6),
    st.integers(min_value=0, max_value=100),
)
def test_the_shares_sum_to_the_document_to_the_cent_whatever_is_paid(
    nets: list[tuple[Decimal, bool]], tax: int, percents: list[int], kept: int
) -> None:
    members = [Member(str(n), net, net if taxed else Decimal(0)) for n, (net, taxed) in enumerate(nets)]
    duty = Decimal(tax).scaleb(-2)
    total = sum((net for net, _ in nets), Decimal(0)) + duty
    left, payments = total, list[str]()
    for each in percents:
        payments.append(str((left * each / 100).quantize(Decimal("0.01"))))
        left -= Decimal(payments[-1])
    state = "paid" if kept == 0 else "posted"
    still_open = left if state == "posted" else Decimal(0)
    parts = shares(members, told(str(total), str(duty), tuple(payments), str(still_open), state), "USD").values()

    def summed(name: str) -> Decimal:
        return sum((Decimal(each[name]) for each in parts), Decimal(0))

    assert (summed("net"), summed("tax"), summed("total")) == (total - duty, duty, total)
    assert summed("open_amount") == still_open
    for n, amount in enumerate(payments):
        mine = [Decimal(one["amount"]) for each in parts for one in each["payments"] if one["id"] == str(n)]
        assert sum(mine, Decimal(0)) == Decimal(amount)
        assert all(one > 0 for one in mine)
    for member, each in zip(members, parts, strict=True):
        assert Decimal(each["net"]) == member.net
        assert Decimal(each["net"]) + Decimal(each["tax"]) == Decimal(each["total"])
        paid = sum((Decimal(one["amount"]) for one in each["payments"]), Decimal(0))
        assert 0 <= Decimal(each["open_amount"]) <= Decimal(each["total"]) - paid


def paid_in_thirds(sabotage: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """A hundred, paid in three instalments: what is open of each share, and how it stands."""
    parts = shares(THREE, told("100.00", payments=("33.35", "33.32", "33.33"), state="paid"), "USD", sabotage=sabotage)
    return [
        (each["state"], str(Decimal(each["total"]) - sum(Decimal(one["amount"]) for one in each["payments"])))
        for each in parts.values()
    ]


def test_whatever_is_paid_in_full_leaves_nothing_open_of_any_share() -> None:
    assert paid_in_thirds() == [("paid", "0.00")] * 3


def test_payments_by_the_totals_instead_of_what_is_open_are_noticed() -> None:
    assert paid_in_thirds(frozenset({"by_total"})) != [("paid", "0.00")] * 3


def test_a_credit_note_that_pays_does_so_for_what_it_takes_back_and_for_nothing_else() -> None:
    notes = [{"B": Decimal("33.33")}]
    parts = shares(THREE, told("100.00", payments=("33.33",), state="partly_paid"), "USD", notes=notes)
    assert {key: (each["state"], each["open_amount"]) for key, each in parts.items()} == {
        "A": ("posted", "33.33"), "B": ("paid", "0.00"), "C": ("posted", "33.34")
    }  # fmt: skip
    assert [len(each["payments"]) for each in parts.values()] == [0, 1, 0]


def test_a_line_that_finance_added_is_shared_by_the_nets_so_that_the_sum_is_the_erp_s() -> None:
    parts = shares(THREE, told("150.00", state="draft"), "USD")
    assert [each["total"] for each in parts.values()] == ["50.00", "49.99", "50.01"]
    crooked = {**told("100.00"), "net": "99.00"}
    assert sum(Decimal(each["total"]) for each in shares(THREE, crooked, "USD").values()) == 100


def test_a_credit_note_of_several_is_shared_too() -> None:
    back = [Member("A", Decimal(-10), Decimal(-10)), Member("B", Decimal(-20), Decimal(0))]
    parts = shares(back, told("-30.80", tax="-0.80", state="paid", open_amount="0.00"), "USD")
    assert [(each["tax"], each["total"], each["state"]) for each in parts.values()] == [
        ("-0.80", "-10.80", "paid"), ("0.00", "-20.00", "paid")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        ("1.00", ["1", "1", "1"], ["0.34", "0.33", "0.33"]),
        ("-1.00", ["1", "1", "1"], ["-0.33", "-0.33", "-0.34"]),
        ("10.00", ["15", "-5"], ["15.00", "-5.00"]),
        ("0.02", ["0", "0", "0"], ["0.01", "0.01", "0.00"]),
    ],
)
def test_money_is_cut_by_weights_of_either_sign(whole: str, weights: list[str], parts: list[str]) -> None:
    found = cut(Money.of(whole, "USD"), [Decimal(each) for each in weights])
    assert sum((each.amount for each in found), Decimal(0)) == Decimal(whole)
    assert sorted(str(each.amount) for each in found) == sorted(parts)
