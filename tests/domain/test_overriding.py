"""A field may be set in the hub where its source alone does not say who the document is; what comes out is a document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.person import Person
from tieout.domain.overriding import NotOverridable, Override, current, is_money, overridden, unfit
from tieout.domain.problems import explain

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("practice", " Cloud ", "Cloud"),
        ("end", "2027-03-31", date(2027, 3, 31)),
        ("amount", "98000.50", Decimal("98000.50")),
        ("po_required", "true", True),
        ("customer.address.country", "DE", "DE"),
        ("extensions.segment", "public", "public"),
    ],
)
def test_a_field_is_set_and_means_what_the_document_says_it_is(
    make_deal: Make, field: str, text: str, value: Any
) -> None:
    deal = make_deal()
    changed = overridden(deal, field, text)
    found: Any = changed
    for step in field.split("."):
        found = found[step] if isinstance(found, dict) else getattr(found, step)
    assert found == value
    assert changed.key == deal.key
    assert type(changed) is Engagement


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("key", "ENG-2", "only its source can change that"),
        ("stage", "won", "only its source can change that"),
        ("customer.key", "CUS-2", "only its source can change that"),
        ("pratice", "Cloud", "The engagement has no field pratice. It has: amount, ancestors, bill_to"),
        ("customer.adress.country", "DE", "has no customer.adress to set"),
        ("bill_to.name", "Globex", "has no bill_to to set"),
        ("lines.0.rate", "1", "lines is a list: correct its entries at their source"),
        ("customer.address", "x", "made of several fields"),
        ("end", "tomorrow", "end cannot be “tomorrow”: input should be a valid date"),
        ("amount", "a lot", "amount cannot be “a lot”"),
    ],
)
def test_what_cannot_be_set_says_why(make_deal: Make, field: str, value: str, why: str) -> None:
    with pytest.raises(NotOverridable, match=why.replace(".", r"\.")):
        overridden(make_deal(), field, value)


def test_a_document_that_comes_in_pages_is_corrected_at_its_source() -> None:
    person = Person(key="K1", name="Lee", email="lee@k.example", legal_entity="US", role="Consultant")
    with pytest.raises(NotOverridable, match="A person is corrected at its source"):
        overridden(person, "name", "Li")


def test_what_is_owed_and_when_is_money() -> None:
    assert [each for each in ("amount", "currency", "payment_terms", "practice", "end") if is_money(each)] == [
        "amount", "currency", "payment_terms",
    ]  # fmt: skip


def test_the_trail_says_by_whom_and_why_and_what_no_longer_fits_is_a_problem(make_deal: Make) -> None:
    deal = make_deal()
    each = Override(701, "engagement", deal.key, "bill_to.name", "Globex", "anna@k.example", "typo")
    assert each.trail == {"source": "override by anna@k.example: typo", "mapping": "override 701"}
    assert (current(deal, "customer.name"), current(deal, "bill_to.name"), current(deal, "no.such")) == (
        "Globex Corporation", None, None,
    )  # fmt: skip
    with pytest.raises(NotOverridable) as why:
        overridden(deal, each.field, each.value)
    said = explain(unfit(deal, each, why.value))
    assert "“Globex” by O-701 of anna@k.example, which cannot be right: The engagement has no bill_to" in said.what
