"""A firm folder that contradicts itself is told where, what and how to put it right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.choosing import choose, nearest
from tieout.domain.consistency import dotted, faults
from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.package import PackageTask, RateCard, RateCardVersion, ServicePackage
from tieout.domain.firm import (
    ApprovalGate,
    ApprovalRule,
    ConnectionSettings,
    Firm,
    GateEscalation,
    LegalEntity,
    TableRow,
    ValueTable,
)
from tieout.domain.gate_consistency import contradictions
from tieout.domain.metering import UsageRule
from tieout.domain.paying import SplitBilling
from tieout.domain.problems import CATALOGUE
from tieout.domain.routing import HoldRules, Region, RoutingRule, Team
from tieout.domain.spanning import SpanningCap
from tieout.domain.working_days import WorkingCalendar

Make = Callable[..., Any]
US = LegalEntity(code="US", name="Kestrel Inc.", currency="USD")
DE = LegalEntity(code="DE", name="Kestrel GmbH", currency="EUR")


def told(firm: Firm) -> list[str]:
    return [str(each) for each in faults(firm)]


def test_a_firm_without_contradictions_can_be_applied(firm: Firm) -> None:
    assert told(firm) == []


def test_two_entities_do_not_share_a_code(make_firm: Make) -> None:
    assert told(make_firm(entities=(US, DE, US))) == [
        "entities[2].code: US stands here twice. Give each legal entity its own code."
    ]


def test_a_system_belongs_to_an_entity_that_exists(make_firm: Make) -> None:
    connections = {**make_firm().connections, "erp-fr": ConnectionSettings(kind="tryton", role="erp", entity="FR")}
    assert told(make_firm(connections=connections)) == [
        "connections.erp-fr.entity: “FR” is not a legal entity of the firm. Say one of: DE, US."
    ]


def test_two_systems_do_not_play_one_role_for_one_entity(make_firm: Make) -> None:
    connections = {
        **make_firm().connections,
        "erp-old": ConnectionSettings(kind="tryton", role="erp", entity="US"),
        "hubspot": ConnectionSettings(kind="hubspot", role="crm"),
    }
    assert told(make_firm(connections=connections)) == [
        "connections.erp-old.role: erp-us plays the role erp for US already. "
        "Name the legal entity of each, or remove one.",
        "connections.hubspot.role: salesforce plays the role crm for every entity already. "
        "Name the legal entity of each, or remove one.",
    ]


def test_every_entity_has_a_system_in_every_role(make_firm: Make) -> None:
    connections = {name: each for name, each in make_firm().connections.items() if name not in ("erp-de", "kantata")}
    assert [line.split(":")[1].split(".")[0].strip() for line in told(make_firm(connections=connections))] == [
        "nothing plays the role psa for US",
        "nothing plays the role psa for DE",
        "nothing plays the role erp for DE",
    ]


def test_limits_are_in_currencies_of_the_firm_and_not_negative(make_firm: Make) -> None:
    rule = ApprovalRule(amount_above={"EUR": Decimal(-1), "EUX": Decimal(5)})
    assert told(make_firm(approvals=rule)) == [
        "approvals.amount_above.EUR: -1 is negative. Give the largest amount that needs no approval.",
        "approvals.amount_above.EUX: no legal entity keeps its books in EUX. Did you mean “EUR”?",
    ]


def test_owners_are_those_that_holds_name(make_firm: Make) -> None:
    assert told(make_firm(owners={"finance operation": "Anna"})) == [
        "owners.finance operation: no hold is ever owned by “finance operation”. Did you mean “finance operations”?"
    ]


def card(entity: str, currency: str, *versions: RateCardVersion, name: str = "") -> RateCard:
    rates = {"Principal": Decimal(1), "Consultant": Decimal(1)}
    first = RateCardVersion(version=1, valid_from=date(2026, 1, 1), rates=rates)
    return RateCard(
        key=f"{name or entity}-2026",
        name=name or f"{entity} 2026",
        entity=entity,
        currency=currency,
        versions=versions or (first,),
    )


def test_every_entity_has_one_rate_card_in_its_own_currency(make_firm: Make) -> None:
    cards = (card("US", "EUR"), card("US", "USD", name="Other"), card("FR", "EUR"))
    assert told(make_firm(rate_cards=cards)) == [
        "rate_cards: there is no rate card for the legal entity DE. Add one with entity: DE and currency: EUR.",
        "rate_cards[0].currency: the rate card is in EUR, but US keeps its books in USD. Give the rates in USD.",
        "rate_cards[1].entity: US has the rate card “US 2026” already. "
        "Add the rates there, as a version with its own valid_from.",
        "rate_cards[2].entity: “FR” is not a legal entity of the firm. Say one of: DE, US.",
    ]


def test_a_rate_card_stands_in_the_folder_once(make_firm: Make) -> None:
    found = told(make_firm(rate_cards=(card("US", "USD"), card("DE", "EUR"), card("DE", "EUR"))))
    assert "rate_cards[2].key: “DE-2026” stands in the folder 2 times. Keep one of them." in found
    assert "rate_cards[2].name: “DE 2026” stands in the folder 2 times. Keep one of them." in found


def test_versions_of_a_rate_card_follow_each_other(make_firm: Make) -> None:
    rates = {"Principal": Decimal(1), "Consultant": Decimal("-0.01")}
    versions = (
        RateCardVersion(version=2, valid_from=date(2026, 7, 1), rates={"Principal": Decimal(1)}),
        RateCardVersion(version=2, valid_from=date(2026, 7, 1), rates=rates),
    )
    assert told(make_firm(rate_cards=(card("US", "USD", *versions), card("DE", "EUR")))) == [
        "rate_cards[0].versions[1].version: version 2 comes after version 2. Number it 3.",
        "rate_cards[0].versions[1].valid_from: version 2 begins on 2026-07-01, not after version 2 (2026-07-01). "
        "List versions in the order of their days, each with a day of its own.",
        "rate_cards[0].versions[1].rates.Consultant: -0.01 is negative. A rate is money per hour, zero or more.",
    ]


def test_a_rate_card_without_versions_is_no_rate_card(make_firm: Make) -> None:
    us = card("US", "USD").model_copy(update={"versions": ()})
    assert told(make_firm(rate_cards=(us, card("DE", "EUR"))))[0].startswith(
        "rate_cards[0].versions: the rate card has no"
    )


def test_a_package_has_tasks_with_names_of_their_own_and_roles_that_have_rates(make_firm: Make) -> None:
    (package,) = make_firm().packages
    tasks = (
        PackageTask(name="Discovery", role="Principal", hours=Decimal(1)),
        PackageTask(name="discovery", role="Principle", hours=Decimal(-2)),
    )
    spoilt = package.model_copy(update={"tasks": tasks})
    empty = package.model_copy(update={"key": "data-foundation", "tasks": ()})
    assert told(make_firm(packages=(spoilt, empty))) == [
        "packages[1].key: “data-foundation” stands in the folder 2 times. Keep one of them.",
        "packages[0].tasks[1].name: the task “discovery” stands here twice. Give each task its own name.",
        "packages[0].tasks[1].role: no rate card knows the role “Principle”. Did you mean “Principal”?",
        "packages[0].tasks[1].hours: -2 is negative. Give the budget of the task in hours.",
        "packages[1].tasks: the package has no tasks. Add at least one, with name, role and hours.",
    ]


def test_no_deal_gets_past_a_firm_without_departments(make_firm: Make) -> None:
    assert told(make_firm(tables=())) == [
        "tables: there is no table practice_department, which tells the department of a practice. "
        "Add tables/practice_department.yaml; it may be empty at first."
    ]


def test_rows_of_a_table_are_for_entities_that_exist_and_do_not_contradict_each_other(make_firm: Make) -> None:
    rows = (
        TableRow(key="Data", value="410"),
        TableRow(key=" DATA ", value="420"),
        TableRow(key="Data", value="430", entity="FR"),
        TableRow(key="Data", value="440", valid_from=date(2026, 1, 1)),
    )
    regions = (TableRow(key="Europe", value="EU"), TableRow(key="Mars", value=""))
    tables = (
        ValueTable(name="practice_department", purpose="department", rows=rows),
        ValueTable(name="legal_entity", purpose="legal entity", rows=regions),
        ValueTable(name="legal_entity", purpose="legal entity"),
    )
    assert told(make_firm(tables=tables)) == [
        "tables[2].name: “legal_entity” stands in the folder 2 times. Keep one of them.",
        "tables[0].rows[1].key: “ DATA ” stands here twice for every entity from 2000-01-01. "
        "Keep one, or give the later one its own valid_from.",
        "tables[0].rows[2].entity: “FR” is not a legal entity of the firm. Say one of: *, DE, US.",
        "tables[1].rows[0].value: “EU” is not a legal entity of the firm. Say one of: DE, US.",
    ]


def test_a_row_that_stands_twice_for_one_entity_names_it(make_firm: Make) -> None:
    rows = (TableRow(key="Data", value="410", entity="US"), TableRow(key="data", value="420", entity="US"))
    (line,) = told(make_firm(tables=(ValueTable(name="practice_department", purpose="department", rows=rows),)))
    assert "stands here twice for US from 2000-01-01" in line


@pytest.mark.parametrize(("word", "meant"), [("Consultent", "Consultant"), ("partner", "Partner"), ("Astronaut", None)])
def test_the_word_that_was_meant_is_found(word: str, meant: str | None) -> None:
    assert nearest(word, ["Consultant", "Partner"]) == meant


def test_where_nothing_is_known_there_is_nothing_to_choose() -> None:
    assert choose("anything", []) == "Leave it out."


def test_a_path_reads_like_the_file() -> None:
    assert dotted(("packages", 0, "tasks", 2, "role")) == "packages[0].tasks[2].role"


def test_the_rules_for_holds_name_teams_regions_and_problems_that_exist(make_firm: Make) -> None:
    teams = {
        "desk": Team(members=("lee@k.example",), escalates_to="dest"),
        "a": Team(escalates_to="b"),
        "b": Team(escalates_to="a"),
    }
    regions = {"EMEA": Region(countries=("DE",), entities=("FR",)), "DACH": Region(countries=("de",))}
    rules = (
        RoutingRule(problem="deal.*", field="practice", team="desk"),
        RoutingRule(problem="deal.deleted", field="practice", entity="US", team="desk"),
        RoutingRule(problem="value.mising", team="dsk"),
        RoutingRule(problem="money.*", entity="FR", region="EMA", amount_above={"CHF": Decimal(1)}, team="desk", assignee="le@k.example"),
    )  # fmt: skip
    assert told(make_firm(holds=HoldRules(teams=teams, regions=regions, rules=rules))) == [
        "holds.teams.desk.escalates_to: there is no team “dest”. Did you mean “desk”?",
        "holds.teams.a.escalates_to: the teams escalate in a circle: a → b → a. Let the highest one end it.",
        "holds.teams.b.escalates_to: the teams escalate in a circle: b → a → b. Let the highest one end it.",
        "holds.regions.EMEA.entities[0]: “FR” is not a legal entity of the firm. Say one of: DE, US.",
        "holds.regions.DACH.countries[0]: “de” is in the region EMEA already. Keep it in one of them.",
        "holds.rules[1]: this rule is never reached: rule 1 takes everything that fits it. Put it before rule 1, or remove it.",
        "holds.rules[2].team: there is no team “dsk”. Did you mean “desk”?",
        "holds.rules[2].problem: no problem has the code “value.mising”. Did you mean “value.missing”?",
        "holds.rules[3].assignee: “le@k.example” is not in the team desk. Did you mean “lee@k.example”?",
        "holds.rules[3].problem: no problem has the code “money.*”. " + choose("money.*", KNOWN),
        "holds.rules[3].entity: “FR” is not a legal entity of the firm. Say one of: DE, US.",
        "holds.rules[3].region: there is no region “EMA”. Did you mean “EMEA”?",
        "holds.rules[3].amount_above.CHF: no legal entity keeps its books in CHF. Say one of: EUR, USD.",
    ]


KNOWN = [*CATALOGUE, *(f"{code.partition('.')[0]}.*" for code in CATALOGUE)]


def test_a_rule_without_any_team_is_told_where_teams_are_described(make_firm: Make) -> None:
    assert told(make_firm(holds=HoldRules(rules=(RoutingRule(team="desk", region="EMEA"),)))) == [
        "holds.rules[0].team: there is no team “desk”. Describe it under holds: teams.",
        "holds.rules[0].region: there is no region “EMEA”. Describe it under holds: regions.",
    ]


def test_a_ledger_shows_no_holds(make_firm: Make) -> None:
    connections = {**make_firm().connections}
    connections["erp-us"] = connections["erp-us"].model_copy(update={"shows_holds": True})
    firm = make_firm(connections=connections)
    assert told(firm) == [
        "connections.erp-us.shows_holds: a ledger has no place of its own for what waits: the console and the CRM say it."
        " Leave it out."
    ]
    assert [name for name in firm.connections if firm.shows_holds(name)] == ["salesforce", "erp-us"]


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ({"billing": {"kind": "period"}}, "packages[0].product: nothing says what the ledger sells it as"),
        ({"billing": {"kind": "time", "increment": 15, "direction": "nearest"}}, None),
        ({"billing": {"kind": "time", "notice_at": 0.75}}, "packages[0].billing: there is no limit to be told of"),
        ({"billing": {"kind": "time", "cap": "sold_hours", "notice_at": 0.75}}, None),
        ({"billing": {"kind": "usage", "unit": "GB", "tiers": [{"price": 1}]}}, "packages[0].product: nothing says"),
        (
            {"billing": {"kind": "usage", "unit": "GB", "tiers": [{"price": 1}], "notice_at": 0.75}, "product": "Data"},
            "packages[0].billing: there is no limit to be told of. Say cap: sold_amount",
        ),
        (
            {"product": "Fee", "prepaid_product": "Deposit"},
            "packages[0].prepaid_product: only a retainer has prepaid blocks",
        ),
        (
            {"billing": {"kind": "retainer", "hours": 9, "multipliers": {"Astronaut": 2}}, "product": "Fee"},
            "packages[0].billing.multipliers.Astronaut: no rate card knows the role",
        ),
        ({"billing": {"kind": "period"}, "product": "Managed service"}, None),
    ],
)
def test_a_package_says_what_the_ledger_sells_beside_hours(
    firm: Firm, package: dict[str, object], told: str | None
) -> None:
    changed = ServicePackage.model_validate({**firm.packages[0].model_dump(), **package})
    metered = firm.model_copy(update={"packages": (changed,), "usage": UsageRule(sources=("metering",))})
    found = [str(each) for each in faults(metered)]
    assert [each.startswith(told or "") for each in found] == ([True] if told else [])


def test_limits_that_span_deals_have_a_name_of_their_own_and_a_currency_of_the_firm(make_firm: Make) -> None:
    caps = (
        SpanningCap(name="PO 1", purchase_order="1", amount=Decimal(9), currency="USD"),
        SpanningCap(name="PO 1", purchase_order="2", amount=Decimal(9), currency="GBP"),
        SpanningCap(name="a/b", customer="CUS-7K3M9QXA", hours=Decimal(9)),
    )
    assert told(make_firm(caps=caps)) == [
        "caps[1].name: “PO 1” stands here twice. Give each limit a name of its own.",
        "caps[1].currency: no legal entity keeps its books in GBP. Say one of: EUR, USD.",
        "caps[2].name: “a/b” has a slash, with which the limits of contracts are named. Leave the slash out.",
    ]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"hours": 1}, "names the customer or the purchase order"),
        ({"purchase_order": "1"}, "an amount, hours, or both"),
        ({"purchase_order": "1", "amount": 1}, "an amount has a currency"),
        ({"customer": "Globex", "hours": 1}, "pattern"),
        ({"purchase_order": "1", "hours": 1, "since": "2026-02-01", "until": "2026-01-01"}, "ends on its first day"),
    ],
)
def test_a_limit_says_what_it_limits_and_how(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        SpanningCap.model_validate({"name": "A", **given})


def test_usage_is_sold_only_where_somebody_may_send_it_under_a_name_of_its_own(firm: Firm) -> None:
    billing = {"kind": "usage", "unit": "GB", "tiers": [{"price": 1}]}
    package = ServicePackage.model_validate({**firm.packages[0].model_dump(), "billing": billing, "product": "Data"})
    sold = firm.model_copy(update={"packages": (package,)})
    assert [str(each).split(". ")[0] for each in faults(sold)] == [
        f"usage.sources: {package.key} is sold by usage, and nobody may send readings of it"
    ]
    crm = next(iter(firm.connections))
    several = sold.model_copy(update={"usage": UsageRule(sources=("metering", crm, "metering"))})
    assert [str(each).split(". ")[0] for each in faults(several)] == [
        f"usage.sources[1]: “{crm}” is a connection of the firm", "usage.sources[2]: “metering” stands here twice"
    ]  # fmt: skip
    assert list(faults(sold.model_copy(update={"usage": UsageRule(sources=("metering",))}))) == []


def test_payers_that_no_deal_reaches_are_told(make_firm: Make) -> None:
    payers = [{"customer": "CUS-AAAAAAAA", "share": "0.4"}, {"customer": "CUS-BBBBBBBB", "share": "0.6"}]
    of = [{"customer": "CUS-AAAAAAAA"}, {"customer": "CUS-AAAAAAAA", "purchase_order": "1"}, {"purchase_order": "1"}]
    splits = tuple(SplitBilling.model_validate({**each, "payers": payers, "rest": "CUS-AAAAAAAA"}) for each in of)
    assert told(make_firm(payers=splits)) == [
        "payers[1]: these payers are never reached: entry 1 takes every deal that they are of. "
        "Put them before entry 1, or remove them."
    ]


def test_a_rule_of_invoices_that_never_counts_is_told(make_firm: Make) -> None:
    of = [{"customer": "CUS-AAAAAAAA"}, {"customer": "CUS-AAAAAAAA"}, {}, {"customer": "CUS-BBBBBBBB"}]
    rules = tuple(Consolidation.model_validate({**each, "one_per": "customer"}) for each in of)
    assert told(make_firm(consolidated=rules)) == [
        "consolidated[1]: this entry never counts: entry 1 is of CUS-AAAAAAAA already. Put it before entry 1, or remove it.",
        "consolidated[3]: this entry never counts: entry 3 is of CUS-BBBBBBBB already. Put it before entry 3, or remove it.",
    ]


def test_a_gate_names_a_team_that_is_there_with_people_enough_and_entities_and_currencies_of_the_firm(
    make_firm: Make,
) -> None:
    gate = ApprovalGate(name="The partners", team="partners")
    wrong = (
        gate.model_copy(update={"people": 2}),
        gate.model_copy(update={"name": "B", "team": "nobody"}),
        gate.model_copy(update={"name": "C", "entities": ("XX",), "amount_above": {"CHF": Decimal(1)}}),
        gate.model_copy(update={"name": "C"}),
    )
    teams = HoldRules(teams={"partners": Team(lead="kim@firm.example")})
    found = faults(make_firm(approvals=ApprovalRule(gates=wrong), holds=teams))
    assert [(each.path, each.what) for each in found if each.path[:2] == ("approvals", "gates")] == [
        (("approvals", "gates", 0, "people"), "partners has 1 people, and 2 must accept"),
        (("approvals", "gates", 1, "team"), "there is no team nobody"),
        (("approvals", "gates", 2, "entities"), "there is no legal entity XX"),
        (("approvals", "gates", 2, "amount_above", "CHF"), "no legal entity keeps its books in CHF"),
        (("approvals", "gates"), "C is there twice"),
    ]
    assert list(contradictions(make_firm(approvals=ApprovalRule(gates=(gate,)), holds=teams))) == []


def test_an_escalation_goes_to_somebody_who_is_there_and_was_not_asked_before(make_firm: Make) -> None:
    def stepped(*to: str) -> ApprovalGate:
        steps = tuple(GateEscalation(after=1, to=each) for each in to)
        return ApprovalGate(name=to[0], team="partners", escalation=steps)

    gates = (stepped("bord", "partners"), stepped("kim@firm.example", "board", "board"))
    teams = {"partners": Team(lead="Kim@firm.example"), "board": Team(members=("lee@firm.example",))}
    assert told(make_firm(approvals=ApprovalRule(gates=gates), holds=HoldRules(teams=teams))) == [
        "approvals.gates[0].escalation[0].to: there is no team bord. Did you mean “board”?",
        "approvals.gates[0].escalation[1].to: everybody in partners was asked before. "
        "Name a team with somebody else in it, or an address.",
        "approvals.gates[1].escalation[0].to: everybody in kim@firm.example was asked before. "
        "Name a team with somebody else in it, or an address.",
        "approvals.gates[1].escalation[2].to: everybody in board was asked before. "
        "Name a team with somebody else in it, or an address.",
    ]


def test_every_entity_has_one_calendar_and_every_calendar_somebody(make_firm: Make) -> None:
    listed = (
        WorkingCalendar(name="A", entities=("DE", "XX"), time_zone="Europe/Berln"),
        WorkingCalendar(name="B", entities=("DE",)),
        WorkingCalendar(name="B", regions=("EMEA", "APAC", "EMA")),
        WorkingCalendar(name="C"),
        WorkingCalendar(name="D"),
    )
    regions = {"EMEA": Region(entities=("DE",)), "APAC": Region(countries=("JP",))}
    assert told(make_firm(calendars=listed, holds=HoldRules(regions=regions))) == [
        "calendars[0].time_zone: “Europe/Berln” is not a time zone. "
        "Give a name of the IANA time zone database, such as Europe/Berlin.",
        "calendars[0].entities[1]: “XX” is not a legal entity of the firm. Say one of: DE, US.",
        "calendars[1]: “A” is the calendar of DE already. Keep one of them.",
        "calendars[2].name: “B” stands in the folder twice. Give each calendar its own name.",
        "calendars[2].regions[1]: the region APAC has no legal entities, so that nobody works by it. "
        "Name them under holds: regions: APAC: entities, or here.",
        "calendars[2].regions[2]: there is no region “EMA”. Did you mean “EMEA”?",
        "calendars[4]: “C” is the calendar of everybody else already. Keep one of them.",
    ]
