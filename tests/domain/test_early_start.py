"""Who may begin before the signature, for how long, and what the contract must still fit (T06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.early_start import is_over, last_day, may_go_on, terms_of_risk, unlike
from tieout.domain.firm import EarlyStartRule, Firm
from tieout.domain.planning import plan_projects, unsigned_terms
from tieout.domain.readiness import Enriched

Make = Callable[..., Any]
RULE = EarlyStartRule(stages=("Verbal Commit",), days=30)


def promised(make_deal: Make, **changes: Any) -> Engagement:
    return make_deal(**{"stage": "open", "stage_name": "Verbal Commit", **changes})


def basis(firm: Firm) -> Enriched:
    return Enriched("US", "410", firm.packages[0], "US 2026")


def tentative(make_deal: Make, firm: Firm) -> Project:
    deal = promised(make_deal)
    terms = unsigned_terms(deal, basis(firm), effective_from=date(2026, 11, 3))
    (project,) = plan_projects(deal, terms, basis(firm), firm.rate_cards[0], key="PRJ-1")
    return project.model_copy(update={"state": "tentative", "tentative_until": last_day(RULE, date(2026, 11, 3))})


def test_a_deal_may_begin_at_the_stage_that_the_firm_names(make_deal: Make) -> None:
    assert may_go_on(RULE, promised(make_deal))
    assert may_go_on(RULE, promised(make_deal, stage_name=" verbal commit "))
    assert not may_go_on(RULE, promised(make_deal, stage_name="Prospecting"))
    assert not may_go_on(RULE, promised(make_deal, stage="won"))
    assert not may_go_on(RULE, promised(make_deal, stage="lost"))
    assert not may_go_on(RULE, None)
    assert not may_go_on(None, promised(make_deal))


def test_the_term_counts_from_the_start_and_its_last_day_belongs_to_it(make_deal: Make, firm: Firm) -> None:
    assert last_day(RULE, date(2026, 11, 3)) == date(2026, 12, 3)
    project = tentative(make_deal, firm)
    assert not is_over(project, date(2026, 12, 3))
    assert is_over(project, date(2026, 12, 4))
    assert not is_over(project.model_copy(update={"tentative_until": None}), date(2030, 1, 1))


def test_what_is_accepted_says_how_much_and_for_how_long(make_deal: Make) -> None:
    (terms,) = terms_of_risk(promised(make_deal), RULE)
    assert terms.endswith("begins before the contract is signed and may go on for 30 days, unbilled")
    (terms,) = terms_of_risk(promised(make_deal), RULE.model_copy(update={"days": 1}))
    assert "for 1 day, unbilled" in terms


def test_a_tentative_project_stands_on_no_contract(make_deal: Make, firm: Firm) -> None:
    assert tentative(make_deal, firm).contract_version == 0
    assert tentative(make_deal, firm).at_risk
    assert not tentative(make_deal, firm).model_copy(update={"contract_version": 1}).at_risk


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ({"package": "OTHER"}, "the service package"),
        ({"legal_entity": "DE"}, "the legal entity"),
        ({"currency": "EUR"}, "the currency"),
        ({"tasks": ()}, "the list of tasks"),
    ],
)
def test_the_contract_must_fit_the_project_that_people_worked_on(
    make_deal: Make, firm: Firm, changed: dict[str, Any], label: str
) -> None:
    assert unlike([tentative(make_deal, firm)], promised(make_deal), basis(firm), link="/d") == []
    (problem,) = unlike(
        [tentative(make_deal, firm).model_copy(update=changed)], promised(make_deal), basis(firm), link="/d"
    )
    assert (problem.code, problem.facts["label"]) == ("early_start.differs", label)
