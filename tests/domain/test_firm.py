"""The firm answers who plays a role, who sells at which rates, and who answers for a hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.values import ValueRow

Make = Callable[..., Any]


def test_an_entitys_own_system_goes_before_the_one_of_every_entity(firm: Firm) -> None:
    assert firm.connection("erp", "DE") == "erp-de"
    assert firm.connection("crm", "DE") == "salesforce"
    assert firm.connection("erp", None) is None


def test_a_package_is_found_as_people_type_its_code(firm: Firm) -> None:
    found = firm.package(" data-foundation ")
    assert found is not None
    assert found.name == "Data Foundation"
    assert firm.package("GOLD") is None


def test_a_rate_card_is_found_by_its_entity_and_by_its_name(firm: Firm) -> None:
    card = firm.rate_card("DE")
    assert card is not None
    assert firm.named_rate_card("DE 2026") == card
    assert firm.rate_card("FR") is None
    assert firm.named_rate_card("FR 2026") is None


def test_an_entity_and_a_table_are_found_by_name_or_not_at_all(firm: Firm) -> None:
    assert firm.entity("US") == LegalEntity(code="US", name="Kestrel Inc.", currency="USD")
    assert firm.entity("FR") is None
    assert firm.table("practice_department") is not None
    assert firm.table("tax_class") is None


def test_a_table_without_a_purpose_is_called_by_its_name(firm: Firm) -> None:
    assert firm.purpose("practice_department") == "department"
    assert firm.purpose("tax_class") == "tax_class"


def test_a_hold_leads_to_a_person_of_this_firm(firm: Firm) -> None:
    assert firm.answers_for("finance operations") == "Anna"
    assert firm.answers_for("the owner of salesforce") == "Sales"
    assert firm.answers_for("the owner of somewhere else") == ""
    assert firm.answers_for("delivery operations") == ""
    assert firm.answers_for("salesforce") == ""


def test_shipped_rows_carry_who_shipped_them(firm: Firm) -> None:
    rows = firm.shipped_rows("apply by Ada")
    assert rows[1] == ValueRow("practice_department", "Cloud Platforms", "420", "US", date(2026, 7, 1), "apply by Ada")
    assert len(rows) == 3


def test_a_firm_is_stored_and_read_back_the_same(firm: Firm) -> None:
    assert Firm.model_validate(firm.model_dump(mode="json")) == firm


def test_a_firm_cannot_be_changed_in_passing(firm: Firm) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        firm.name = "Other"  # pyright: ignore[reportAttributeAccessIssue]
