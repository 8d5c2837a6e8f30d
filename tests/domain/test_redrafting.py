"""When a draft still says what would be billed, and when it is finance's already."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.proposal import Proposal
from tieout.domain.redrafting import is_current, is_untouched, version_of

KEY = "ENG-7K3M9QXA-2026-10"


def invoice(**fields: Any) -> Invoice:
    line = InvoiceLine(
        key="01", kind="time", product="Consulting", task="PRJ-7K3M9QXA/01", role="Principal", description="Discovery",
        quantity=Decimal(1), unit_price=Decimal(340), amount=Decimal(340),
    )  # fmt: skip
    facts: dict[str, Any] = {
        "key": KEY, "engagement": "ENG-7K3M9QXA", "project": "PRJ-7K3M9QXA", "customer": "CUS-00000001", "legal_entity": "US",
        "currency": "USD", "through": date(2026, 10, 31), "invoice_date": date(2026, 11, 3), "lines": (line,), "net": Decimal(340),
    }  # fmt: skip
    return Invoice(**{**facts, **fields})


def work(minutes: int = 60, source: str = "T1", of: str = KEY) -> dict[str, Any]:
    return {
        "invoice": of,
        "line": "01",
        "connection": "kantata",
        "source_id": source,
        "minutes": minutes,
        "amount": "340.00",
    }


def proposal(*evidence: dict[str, Any], **fields: Any) -> Proposal:
    now = invoice(**{"key": f"{KEY}-V2", "invoice_date": date(2026, 11, 9), **fields})
    return Proposal(now, {"01": Decimal(0)}, list(evidence))


@pytest.mark.parametrize(
    ("key", "version"), [(KEY, 1), (f"{KEY}-V2", 2), (f"{KEY}-V12-SAAAAAAAA-PBBBBBBBB", 12), (f"{KEY}-PV2AAAAAA", 1)]
)
def test_the_version_is_in_the_key(key: str, version: int) -> None:
    assert version_of(key) == version


def test_the_key_and_the_date_make_no_difference_and_neither_does_how_a_number_is_written() -> None:
    stored = {**work(), "amount": Decimal(340)}
    assert is_current(proposal(work()), [invoice()], [stored])


@pytest.mark.parametrize(
    "now",
    [
        proposal(work(30)),
        proposal(work(source="T2")),
        proposal(work(), work(source="T2")),
        proposal(),
        proposal(work(), customer="CUS-00000002"),
        proposal(work(), po_number="PO-1"),
        proposal(work(), net=Decimal(341)),
        None,
    ],
)
def test_other_work_another_payer_or_another_line_is_a_difference(now: Proposal | None) -> None:
    assert not is_current(now, [invoice()], [work()])


def test_each_of_several_drafts_is_compared_with_its_own() -> None:
    other = f"{KEY}-PBBBBBBBB"
    drafts = [invoice(), invoice(key=other, customer="CUS-00000002")]
    both = proposal(work())
    second = proposal(work(30), customer="CUS-00000002")
    now = Proposal(both.invoice, both.rounding, both.evidence, (second,))
    assert is_current(now, drafts, [work(), work(30, of=other)])
    assert not is_current(now, drafts, [work(30), work(of=other)])
    assert not is_current(both, drafts, [work(), work(30, of=other)])


def told(**fields: Any) -> dict[str, Any]:
    line = {"description": "Discovery", "quantity": "1.0", "unit_price": "340.00", "amount": "340"}
    return {"state": "draft", "lines": [line], **fields}


def test_a_draft_with_our_lines_is_untouched() -> None:
    assert is_untouched(invoice(), told())


@pytest.mark.parametrize(
    "finance",
    [
        told(state="validated"),
        told(state="posted"),
        told(lines=[]),
        told(lines=[{**told()["lines"][0], "description": "Advice"}]),
        told(lines=[*told()["lines"], {**told()["lines"][0], "description": "Travel"}]),
    ],
)
def test_what_finance_has_posted_or_changed_is_finance_s(finance: dict[str, Any]) -> None:
    assert not is_untouched(invoice(), finance)


def test_a_hub_that_takes_no_heed_of_lines_still_leaves_what_is_posted() -> None:
    assert is_untouched(invoice(), told(lines=[]), frozenset({"redraft_anything"}))
    assert not is_untouched(invoice(), told(state="posted"), frozenset({"redraft_anything"}))
