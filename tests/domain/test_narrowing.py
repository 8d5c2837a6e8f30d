"""A firm narrowed to some of its legal entities says nothing of the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.documents.package import RateCard, RateCardVersion
from tieout.domain.firm import ApprovalGate, ApprovalRule, ConnectionSettings, Firm, LegalEntity, TableRow, ValueTable
from tieout.domain.narrowing import narrowed
from tieout.domain.notification import NotificationRule, Selection
from tieout.domain.routing import HoldRules, Region, RoutingRule, Team
from tieout.domain.working_days import WorkingCalendar

Make = Callable[..., Any]


def whole(make_firm: Make) -> Firm:
    def card(entity: str) -> RateCard:
        version = RateCardVersion(version=1, valid_from=date(2026, 1, 1), rates={"Consultant": Decimal(100)})
        return RateCard(key=f"{entity}-card", name=f"{entity} card", entity=entity, currency="EUR", versions=(version,))

    def told(name: str, *entities: str) -> NotificationRule:
        return NotificationRule(name=name, channel="mail", holds=Selection(entities=entities))

    return make_firm(
        entities=tuple(LegalEntity(code=code, name=f"Firm {code}", currency="EUR") for code in ("DE", "FR")),
        connections={
            "crm": ConnectionSettings(kind="salesforce", role="crm"),
            "erp-de": ConnectionSettings(kind="tryton", role="erp", entity="DE"),
            "erp-fr": ConnectionSettings(kind="tryton", role="erp", entity="FR"),
        },
        rate_cards=(card("DE"), card("FR")),
        tables=(
            ValueTable(
                name="entities",
                purpose="legal entity",
                rows=(
                    TableRow(key="North", value="DE"), TableRow(key="South", value="FR"),
                    TableRow(key="Data", value="410", entity="FR"), TableRow(key="Data", value="420"),
                ),
            ),
        ),
        calendars=(
            WorkingCalendar(name="both", entities=("DE", "FR")), WorkingCalendar(name="theirs", entities=("FR",)),
            WorkingCalendar(name="every", regions=("Europe",)),
        ),
        notifications=(told("all"), told("ours", "DE"), told("theirs", "FR"), told("both", "DE", "FR")),
        approvals=ApprovalRule(
            gates=(
                ApprovalGate(name="theirs", team="desk", entities=("FR",)),
                ApprovalGate(name="both", team="desk", entities=("DE", "FR")), ApprovalGate(name="every", team="desk"),
            )
        ),
        holds=HoldRules(
            teams={"desk": Team(lead="kim@firm.example")},
            regions={"Europe": Region(countries=("DE", "FR"), entities=("DE", "FR"))},
            rules=(RoutingRule(entity="FR", team="desk"), RoutingRule(entity="DE", team="desk"), RoutingRule(team="desk")),
        ),
    )  # fmt: skip


def test_whoever_sees_all_sees_the_firm_itself(make_firm: Make) -> None:
    firm = whole(make_firm)
    assert narrowed(firm, None) is firm


def test_nothing_of_another_entity_is_left(make_firm: Make) -> None:
    seen = narrowed(whole(make_firm), {"DE"})
    assert [each.code for each in seen.entities] == ["DE"]
    assert list(seen.connections) == ["crm", "erp-de"]
    assert [each.entity for each in seen.rate_cards] == ["DE"]
    assert [(each.key, each.value) for each in seen.tables[0].rows] == [("North", "DE"), ("Data", "420")]
    assert [each.name for each in seen.notifications] == ["all", "ours"]
    assert [each.entity for each in seen.holds.rules] == ["DE", None]
    assert seen.holds.regions["Europe"].entities == ("DE",)
    assert [(each.name, each.entities) for each in seen.calendars] == [("both", ("DE",)), ("every", ())]
    assert [(each.name, each.entities) for each in seen.approvals.gates] == [("both", ("DE",)), ("every", ())]
    assert seen.caps == ()
