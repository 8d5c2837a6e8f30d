"""The firm folder of the firm in the box says what the firm in the box is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

import tieout.sandbox
from tieout.domain.documents.plans import Plan, TimePlan
from tieout.domain.firm import Firm
from tieout.domain.values import ANY, ValueTables
from tieout.folder.loading import check, load

BOX = Path(tieout.sandbox.__path__[0]) / "firm"
FOLDER = BOX / "kestrel"


@pytest.fixture(scope="module")
def firm() -> Firm:
    return load(FOLDER)


@pytest.fixture(scope="module")
def box() -> dict[str, Any]:
    return yaml.safe_load((BOX / "kestrel.yaml").read_text("utf-8"))


def test_the_folder_is_in_order() -> None:
    assert check(FOLDER) == []


def test_entities_and_payment_terms_agree(firm: Firm, box: dict[str, Any]) -> None:
    assert firm.name == box["name"]
    assert [each.model_dump() for each in firm.entities] == [
        {name: each[name] for name in ("code", "name", "currency")} for each in box["entities"]
    ]
    assert firm.payment_terms == box["payment_terms"]


def test_packages_agree_to_the_hour(firm: Firm, box: dict[str, Any]) -> None:
    sold = {
        each["code"]: (
            each["name"],
            each["practice"],
            _plan(each["billing"]),
            [(task["name"], task["role"], Decimal(task["hours"])) for task in each["tasks"]],
        )
        for each in box["packages"]
    }
    assert sold == {
        each.key: (each.name, each.practice, each.plan, [(task.name, task.role, task.hours) for task in each.tasks])
        for each in firm.packages
    }


def test_rates_agree_to_the_cent_and_the_day(firm: Firm, box: dict[str, Any]) -> None:
    def versions(card: Any) -> list[tuple[int, date, dict[str, str]]]:
        return [(each["version"], each["valid_from"], each["rates"]) for each in card["versions"]]

    assert {each["name"]: (each["entity"], each["currency"], versions(each)) for each in box["rate_cards"]} == {
        each.name: (
            each.entity,
            each.currency,
            [
                (one.version, one.valid_from, {role: str(rate) for role, rate in one.rates.items()})
                for one in each.versions
            ],
        )
        for each in firm.rate_cards
    }


def test_practices_lead_to_their_departments_and_the_one_without_leads_to_a_hold(
    firm: Firm, box: dict[str, Any]
) -> None:
    tables = ValueTables(firm.shipped_rows("folder"))
    for entity in firm.entities:
        for practice in box["practices"]:
            row = tables.look_up("practice_department", practice["name"], entity=entity.code, on=date(2026, 10, 1))
            assert (row.value if row else None) == practice["department"]


def test_every_practice_is_taxed_as_its_entity_is(firm: Firm, box: dict[str, Any]) -> None:
    tables = ValueTables(firm.shipped_rows("folder"))
    for entity in box["entities"]:
        for practice in box["practices"]:
            row = tables.look_up("tax_class", practice["name"], entity=entity["code"], on=date(2026, 10, 1))
            assert row is not None
            assert row.value == entity["tax"]["name"]


def test_an_entity_is_found_by_its_name(firm: Firm, box: dict[str, Any]) -> None:
    tables = ValueTables(firm.shipped_rows("folder"))
    for entity in box["entities"]:
        row = tables.look_up("legal_entity", entity["name"], entity=ANY, on=date(2026, 10, 1))
        assert row is not None
        assert row.value == entity["code"]


def test_each_books_belong_to_their_own_company(firm: Firm) -> None:
    for entity in firm.entities:
        erp = firm.connections[firm.connection("erp", entity.code) or ""]
        assert (erp.kind, erp.entity, erp.settings["company"]) == ("tryton", entity.code, entity.name)
        assert firm.connection("crm", entity.code) == "salesforce"
        assert firm.connection("psa", entity.code) == "kantata"


def test_finance_reads_large_and_long_terms(firm: Firm) -> None:
    assert firm.approvals.amount_above == {"USD": Decimal(250000), "EUR": Decimal(200000)}
    assert firm.approvals.payment_days_above == 45
    assert firm.billing.days_after == 2


def test_whoever_answers_for_a_hold_works_at_the_firm(firm: Firm, box: dict[str, Any]) -> None:
    known = {each["name"] for each in (*box["people"], *box["finance_clerks"])}
    for owner in firm.owners.values():
        assert {name.strip() for name in owner.split(" and ")} <= known


def _plan(billing: Any) -> Any:
    return TimePlan() if billing == "time_and_material" else TypeAdapter(Plan).validate_python(billing)
