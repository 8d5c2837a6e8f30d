"""Every problem gives a person the six answers, and equal causes are one cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tieout.domain.money import Money
from tieout.domain.problems import (
    CATALOGUE,
    Problem,
    Rejected,
    Transient,
    explain,
    facts_of,
)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_problem_explains_itself_in_six_answers(code: str) -> None:
    facts = {name: f"<{name}>" for name in facts_of(CATALOGUE[code])}
    said = explain(Problem(code, facts))
    for sentence in (said.what, said.why, said.fix):
        assert sentence.endswith((".", "?"))
        assert sentence[0].isupper() or sentence.startswith(("<", "“"))
    assert said.owner
    assert said.where.startswith(("/", "<link>"))
    assert timedelta(0) < said.within <= timedelta(days=7)
    text = " ".join((said.what, said.why, said.owner, said.fix, said.where))
    assert "{" not in text
    assert "}" not in text


def test_a_problem_without_its_facts_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"package\.unknown lacks \['deal', 'link'\]"):
        Problem("package.unknown", {"package": "X"})


def test_one_missing_value_is_one_cause_however_many_deals_wait_for_it() -> None:
    shared = {"table": "practice_department", "value": "People", "entity": "US", "purpose": "department"}
    assert Problem("value.missing", shared).cause == Problem("value.missing", {**shared, "purpose": "other"}).cause
    assert Problem("value.missing", shared).cause != Problem("value.missing", {**shared, "entity": "DE"}).cause


def test_a_problem_without_a_shared_cause_is_a_cause_of_its_own() -> None:
    facts = {"deal": "A", "label": "The amount", "field": "amount", "amount": "1.00 USD", "link": "/a"}
    assert Problem("deal.field_missing", facts).cause != Problem("deal.field_missing", {**facts, "deal": "B"}).cause


def test_a_refusal_names_all_its_problems_and_what_waits() -> None:
    facts = {"deal": "A", "amount": "1.00 USD", "link": "/a", "label": "The amount", "field": "amount"}
    refused = Rejected(
        Problem("deal.field_missing", facts),
        Problem("deal.field_missing", {**facts, "label": "The practice"}),
        amount=Money.of(1, "USD"),
    )
    assert str(refused) == "The amount is missing on the deal “A”.; The practice is missing on the deal “A”."
    assert len(refused.problems) == 2
    assert refused.amount == Money.of(1, "USD")


def test_a_transient_error_carries_the_vendors_own_wish() -> None:
    assert Transient("busy", after=30).after == 30
    assert Transient("busy").after is None
