"""The first rule that fits says whose a hold is, and an overdue one climbs from lead to lead."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.money import Money
from tieout.domain.routing import HoldRules, Region, Route, RoutingRule, Team, Trial, Waiting, covers, escalation, route

REGIONS = {
    "EMEA": Region(countries=("DE", "FR"), entities=("DE",)),
    "AMER": Region(countries=("US",), entities=("US",)),
}


def hold(code: str = "value.missing", **facts: Any) -> Waiting:
    known: dict[str, Any] = {"entity": "US", "country": "", "amount": None}
    known |= {name: facts.pop(name) for name in list(facts) if name in known}
    return Waiting(code, facts, **known)


def first(*rules: RoutingRule) -> HoldRules:
    return HoldRules(rules=rules, regions=REGIONS)


def test_the_first_rule_that_fits_wins_and_says_its_name() -> None:
    rules = first(RoutingRule(problem="deal.*", team="sales"), RoutingRule(team="rest", name="what is left"))
    assert route(rules, hold("deal.deleted")) == Route("sales", "", "rule 1")
    assert route(rules, hold("value.missing")) == Route("rest", "", "what is left")
    assert route(HoldRules(), hold()) == Route()


@pytest.mark.parametrize(
    ("rule", "fits", "not_fits"),
    [
        ({"problem": "value.missing"}, hold("value.missing"), hold("package.unknown")),
        ({"problem": "time.*"}, hold("time.rate_missing"), hold("timeless.thing")),
        ({"field": "practice"}, hold(field="practice"), hold(field="end")),
        ({"field": "tax_class"}, hold(table="tax_class"), hold(table="practice_department")),
        ({"entity": "US"}, hold(entity="US"), hold(entity=None)),
        ({"region": "EMEA"}, hold(country="de", entity="US"), hold(country="US", entity="DE")),
        ({"region": "EMEA"}, hold(country="", entity="DE"), hold(country="JP", entity="US")),
        ({"amount_above": {"USD": "100"}}, hold(amount=Money.of("100.01", "USD")), hold(amount=Money.of(100, "USD"))),
        ({"amount_above": {"USD": "100"}}, hold(amount=Money.of(101, "USD")), hold(amount=Money.of(999, "EUR"))),
        ({"amount_above": {"USD": "100"}}, hold(amount=Money.of(101, "USD")), hold(amount=None)),
    ],
)
def test_each_condition_of_a_rule(rule: dict[str, Any], fits: Waiting, not_fits: Waiting) -> None:
    rules = first(RoutingRule.model_validate({**rule, "team": "t", "assignee": "anna"}))
    assert route(rules, fits) == Route("t", "anna", "rule 1")
    assert route(rules, not_fits) == Route()


_rules = st.builds(
    RoutingRule,
    problem=st.sampled_from([None, "deal.*", "deal.deleted", "value.missing"]),
    field=st.sampled_from([None, "practice", "end"]),
    entity=st.sampled_from([None, "US", "DE"]),
    region=st.sampled_from([None, "EMEA", "AMER"]),
    amount_above=st.dictionaries(st.sampled_from(["USD", "EUR"]), st.sampled_from([Decimal(1), Decimal(5)])),
    team=st.just("t"),
)
_holds = st.builds(
    Waiting,
    code=st.sampled_from(["deal.deleted", "deal.reopened", "value.missing"]),
    facts=st.sampled_from([{"field": "practice"}, {"table": "end"}, {}]),
    entity=st.sampled_from(["US", "DE", None]),
    country=st.sampled_from(["US", "DE", ""]),
    amount=st.sampled_from([None, Money.of(1, "USD"), Money.of(3, "USD"), Money.of(9, "EUR")]),
)


@given(_rules, _rules, _holds)
def test_a_rule_that_is_called_unreachable_is_never_reached(a: RoutingRule, b: RoutingRule, hold: Waiting) -> None:
    if covers(a, b):
        assert route(first(a, b), hold).rule != "rule 2"


def test_an_overdue_hold_climbs_from_lead_to_lead_and_ends() -> None:
    teams = {
        "desk": Team(members=("a@k",), lead="lee@k", escalates_to="finance"),
        "finance": Team(escalates_to="board"),
        "board": Team(lead="max@k", escalates_to="desk"),
    }
    rules = HoldRules(teams=teams)
    assert escalation(rules, "desk") == ("lee@k", "max@k")
    assert escalation(rules, "") == escalation(rules, "nobody") == ()
    assert rules.teams_of("LEE@k") == ("desk",)


def test_the_share_that_rules_would_route_is_never_rounded_up() -> None:
    assert Trial(1000, 999, 0, 0, {}, {}).share == 99
    assert Trial(0, 0, 0, 0, {}, {}).share == 100
