"""A plan says in business words what applying a folder would change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.package import PackageTask, RateCardVersion
from tieout.domain.firm import (
    ApprovalRule,
    BillingRule,
    ConnectionSettings,
    EarlyStartRule,
    Firm,
    LegalEntity,
    TableRow,
)
from tieout.domain.firm_changes import changes
from tieout.domain.notification import ChannelSettings, Digest, NotificationRule, Selection
from tieout.domain.paying import SplitBilling
from tieout.domain.routing import HoldRules, Region, RoutingRule, Team
from tieout.domain.spanning import SpanningCap
from tieout.domain.working_days import WorkingCalendar

Make = Callable[..., Any]


def test_a_firm_that_is_in_force_changes_nothing(make_firm: Make) -> None:
    assert changes(make_firm(), make_firm()) == []


def test_the_first_plan_shows_everything_that_is_set_up(firm: Firm) -> None:
    assert changes(None, firm) == [
        "the firm Kestrel is set up",
        "legal entity US: added (Kestrel Inc., USD)",
        "legal entity DE: added (Kestrel GmbH, EUR)",
        "connection salesforce: added (salesforce as crm of every entity)",
        "connection kantata: added (kantata as psa of every entity)",
        "connection erp-us: added (tryton as erp of US)",
        "connection erp-de: added (tryton as erp of DE)",
        "approvals: amount above USD: 250000 added",
        "approvals: payment days above nothing → 45",
        "payment terms Net 30: 30 days added",
        "payment terms Net 60: 60 days added",
        "owner finance operations: Anna added",
        "package DATA-FOUNDATION: added (Data Foundation, 2 tasks, 160 hours)",
        "rate card US 2026: added (US, USD, 2 versions)",
        "rate card DE 2026: added (DE, EUR, 1 version)",
        "table practice_department: added (2 rows)",
        "table legal_entity: added (1 row)",
    ]


def test_names_entities_rules_and_terms(make_firm: Make) -> None:
    entities = (LegalEntity(code="US", name="Kestrel Corp.", currency="USD"),)
    wanted = make_firm(
        name="Kestrel Group",
        entities=entities,
        approvals=ApprovalRule(amount_above={"USD": Decimal(300000)}),
        billing=BillingRule(days_after=5, rounding="half_even"),
        payment_terms={"Net 30": 31, "Net 1": 1},
        owners={},
    )
    assert changes(make_firm(), wanted) == [
        "the firm: name Kestrel → Kestrel Group",
        "legal entity US: name Kestrel Inc. → Kestrel Corp.",
        "legal entity DE: removed",
        "approvals: amount above USD: 250000 → 300000",
        "approvals: payment days above 45 → nothing",
        "billing: days after 2 → 5",
        "billing: rounding half_up → half_even",
        "payment terms Net 30: 30 days → 31 days",
        "payment terms Net 1: 1 day added",
        "payment terms Net 60: 60 days removed",
        "owner finance operations: Anna removed",
    ]


def test_a_connection_that_moves(make_firm: Make) -> None:
    before = make_firm().connections
    moved = ConnectionSettings(
        kind="salesforce", role="crm", settings={"url": "https://new.example"}, fields={"practice": "Area__c"}
    )
    again = {name: each for name, each in before.items() if name != "erp-de"} | {"salesforce": moved}
    assert changes(make_firm(), make_firm(connections=again)) == [
        "connection salesforce: owner Sales → nothing",
        "connection salesforce: setting url: https://new.example added",
        "connection salesforce: field practice: Area__c added",
        "connection erp-de: removed",
    ]


def with_tasks(make_firm: Make, *tasks: PackageTask) -> Firm:
    (package,) = make_firm().packages
    return make_firm(packages=(package.model_copy(update={"tasks": tasks, "practice": "Data", "project": "sale"}),))


def test_a_package_that_is_cut_differently(make_firm: Make) -> None:
    wanted = with_tasks(
        make_firm,
        PackageTask(name="Pipelines", role="Consultant", hours=Decimal(80)),
        PackageTask(name="Discovery", role="Principal", hours=Decimal(48), billable=False),
    )
    assert changes(make_firm(), wanted) == [
        "package DATA-FOUNDATION: practice Data & AI → Data",
        "package DATA-FOUNDATION: project deal → sale",
        "package DATA-FOUNDATION: task Pipelines: added (Consultant, 80 hours)",
        "package DATA-FOUNDATION: task Discovery: hours 40 → 48",
        "package DATA-FOUNDATION: task Discovery: billable yes → no",
        "package DATA-FOUNDATION: task Reporting: removed",
    ]


def test_tasks_in_another_order(make_firm: Make) -> None:
    (package,) = make_firm().packages
    turned = package.model_copy(update={"tasks": tuple(reversed(package.tasks))})
    assert changes(make_firm(), make_firm(packages=(turned,))) == [
        "package DATA-FOUNDATION: tasks in another order: Reporting, Discovery"
    ]


def test_a_package_that_is_no_longer_sold(make_firm: Make) -> None:
    assert changes(make_firm(), make_firm(packages=())) == ["package DATA-FOUNDATION: removed"]


def with_versions(make_firm: Make, *versions: RateCardVersion) -> Firm:
    us, de = make_firm().rate_cards
    return make_firm(rate_cards=(us.model_copy(update={"versions": versions}), de))


def test_a_new_year_of_rates(make_firm: Make) -> None:
    old = make_firm().rate_cards[0].versions
    new = RateCardVersion(version=3, valid_from=date(2027, 1, 1), rates={"Principal": Decimal("360.00")})
    assert changes(make_firm(), with_versions(make_firm, *old, new)) == [
        "rate card US 2026: version 3 from 2027-01-01 added (1 role)"
    ]


def test_a_published_version_that_moves_is_shown_rate_by_rate(make_firm: Make) -> None:
    first, _ = make_firm().rate_cards[0].versions
    rates = {"Principal": Decimal("341.00"), "Partner": Decimal("420.00")}
    moved = first.model_copy(update={"rates": rates, "valid_from": date(2026, 2, 1)})
    assert changes(make_firm(), with_versions(make_firm, moved)) == [
        "rate card US 2026: version 1, published before: valid from 2026-01-01 → 2026-02-01",
        "rate card US 2026: version 1, published before: rate of Principal: 340.00 → 341.00",
        "rate card US 2026: version 1, published before: rate of Partner: 420.00 added",
        "rate card US 2026: version 1, published before: rate of Consultant: 175.00 removed",
        "rate card US 2026: version 2 removed",
    ]


def test_a_value_table_says_what_words_mean_from_when(make_firm: Make) -> None:
    departments, regions = make_firm().tables
    rows = (
        TableRow(key="data & ai", value="411"),
        TableRow(key="People & Change", value="440", entity="DE", valid_from=date(2026, 11, 1)),
        TableRow(key="Old", value=""),
    )
    wanted = departments.model_copy(update={"rows": rows, "four_eyes": True})
    assert changes(make_firm(), make_firm(tables=(wanted, regions))) == [
        "table practice_department: four eyes no → yes",
        "table practice_department: “data & ai” means “411”, no longer “410” from 2000-01-01",
        "table practice_department: “People & Change” means “440” in DE from 2026-11-01",
        "table practice_department: “Old” means nothing any more from 2000-01-01",
        "table practice_department: “Cloud Platforms” in US from 2026-07-01 is no longer in the folder; "
        "its value stays until a row ends it",
    ]


def test_teams_regions_and_the_rules_of_holds(make_firm: Make) -> None:
    practice, everything = RoutingRule(field="practice", team="desk"), RoutingRule(team="desk", name="rest")
    before = HoldRules(teams={"desk": Team(members=("a@k",))}, rules=(practice, everything))
    large = RoutingRule(
        problem="deal.*", entity="DE", region="EMEA", amount_above={"EUR": Decimal(100)}, team="desk", assignee="a@k"
    )
    after = HoldRules(
        reopen_within_days=7,
        teams={"desk": Team(members=("a@k", "b@k")), "top": Team(lead="c@k")},
        regions={"EMEA": Region(countries=("DE", "FR"))},
        rules=(large, everything, practice),
    )
    assert changes(make_firm(holds=before), make_firm(holds=after)) == [
        "holds: reopen within days 30 → 7",
        "team desk: members a@k → a@k, b@k",
        "team top: added (0 members, led by c@k)",
        "region EMEA: added (DE, FR)",
        "holds: rule added: deal.* in DE of EMEA above 100 EUR → desk, a@k",
        "holds: the rules stand in another order",
    ]
    removed = HoldRules(teams=before.teams, rules=(practice,))
    assert changes(make_firm(holds=before), make_firm(holds=removed)) == [
        "holds: rule removed: rest: every problem → desk"
    ]


def test_work_before_the_signature(make_firm: Make) -> None:
    rule = EarlyStartRule(stages=("Verbal Commit",), days=30, approval=("delivery", "finance"))
    wanted = make_firm(early_start=rule)
    assert changes(make_firm(), wanted) == [
        "early start rule: added (work may begin at Verbal Commit, for 30 days, accepted by delivery and finance)"
    ]
    longer = make_firm(early_start=rule.model_copy(update={"days": 45, "in_erp": True}))
    assert changes(wanted, longer) == ["early start rule: days 30 → 45", "early start rule: in erp no → yes"]
    assert changes(wanted, make_firm()) == ["early start rule: removed"]


def test_who_is_told_and_through_what(make_firm: Make) -> None:
    mail = ChannelSettings(kind="email", settings={"host": "smtp.kestrel.example"})
    rule = NotificationRule(name="finance", channel="mail", to=("anna@kestrel.example",), digest=Digest(at="08:00"))
    before = make_firm(channels={"mail": mail}, notifications=(rule,))
    assert changes(make_firm(), before) == [
        "channel mail: added (email)",
        "notification finance: added (both through mail to anna@kestrel.example)",
    ]
    selection = Selection(codes=("value.missing",), amount_above={"USD": Decimal(1000)}, unowned=True)
    after = make_firm(
        channels={"mail": mail.model_copy(update={"settings": {"host": "mx.kestrel.example"}})},
        notifications=(rule.model_copy(update={"holds": selection, "amounts": False, "digest": None}),),
    )
    assert changes(before, after) == [
        "channel mail: setting host: smtp.kestrel.example → mx.kestrel.example",
        "notification finance: amounts yes → no",
        "notification finance: holds: codes nothing → value.missing",
        "notification finance: holds: unowned no → yes",
        "notification finance: holds: amount above USD: 1000 added",
        "notification finance: digest at 08:00 UTC → nothing",
    ]


def test_a_limit_that_spans_deals_is_said_with_what_it_is_of(make_firm: Make) -> None:
    cap = SpanningCap(
        name="PO 4711", purchase_order="4711", customer="CUS-7K3M9QXA", amount=Decimal(5000), currency="USD"
    )
    more = cap.model_copy(update={"amount": Decimal(6000), "hours": Decimal(9)})
    before, after = make_firm(caps=(cap,)), make_firm(caps=(more,))
    assert changes(make_firm(), after) == [
        "limit PO 4711: added (6,000.00 USD and 9 hours for purchase order 4711 of customer CUS-7K3M9QXA)"
    ]
    assert changes(before, after) == ["limit PO 4711: amount 5000 → 6000", "limit PO 4711: hours nothing → 9"]
    assert changes(before, make_firm()) == ["limit PO 4711: removed"]


def test_who_gets_one_invoice_for_several_engagements_is_said_by_payer(make_firm: Make) -> None:
    one = Consolidation(customer="CUS-AAAAAAAA", one_per="purchase_order")
    rest = Consolidation(one_per="customer")
    assert changes(make_firm(), make_firm(consolidated=(one, rest))) == [
        "invoices of CUS-AAAAAAAA: added (one per purchase order)",
        "invoices of everybody else: added (one per customer)",
    ]
    other = one.model_copy(update={"one_per": "project"})
    assert changes(make_firm(consolidated=(one,)), make_firm(consolidated=(other,))) == [
        "invoices of CUS-AAAAAAAA: one per purchase_order → project"
    ]


def test_who_pays_is_said_by_deal_with_each_share(make_firm: Make) -> None:
    payers = [
        {"customer": "CUS-AAAAAAAA", "share": "0.4"},
        {"customer": "CUS-BBBBBBBB", "share": "0.6", "amount": "5000"},
    ]
    split = SplitBilling.model_validate({"purchase_order": "4711", "payers": payers, "rest": "CUS-AAAAAAAA"})
    assert changes(make_firm(), make_firm(payers=(split,))) == [
        "payers of purchase order 4711: added (CUS-AAAAAAAA 40.0 %, CUS-BBBBBBBB 60.0 % up to 5,000.00; the rest is CUS-AAAAAAAA's)"
    ]
    equal = [{**each, "share": "0.5"} for each in payers]
    other = SplitBilling.model_validate({"purchase_order": "4711", "payers": equal, "rest": "CUS-AAAAAAAA"})
    (told,) = changes(make_firm(payers=(split,)), make_firm(payers=(other,)))
    assert told.startswith("payers of purchase order 4711: payers CUS-AAAAAAAA 40.0 %")


def test_calendars_and_their_holidays(make_firm: Make) -> None:
    christmas, labour = {date(2026, 12, 25): "Christmas"}, {date(2026, 5, 1): "Labour Day"}
    before = WorkingCalendar(name="Germany", entities=("DE",), holidays=christmas)
    assert changes(make_firm(), make_firm(calendars=(before,))) == ["calendar Germany: added (1 holiday, for DE)"]
    after = before.model_copy(update={"working_days": ("mon", "tue"), "holidays": labour})
    assert changes(make_firm(calendars=(before,)), make_firm(calendars=(after,))) == [
        "calendar Germany: working days mon, tue, wed, thu, fri → mon, tue",
        "calendar Germany: holiday 2026-05-01: Labour Day added",
        "calendar Germany: holiday 2026-12-25: Christmas removed",
    ]
