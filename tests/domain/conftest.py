"""A small firm and a deal that has all it needs; each test spoils what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.engagement import ContractLine, Engagement
from tieout.domain.documents.package import PackageTask, RateCard, RateCardVersion, ServicePackage
from tieout.domain.firm import ApprovalRule, ConnectionSettings, Firm, LegalEntity, TableRow, ValueTable
from tieout.domain.values import ValueTables

Make = Callable[..., Any]


@pytest.fixture
def make_deal() -> Make:
    def make(**changes: Any) -> Engagement:
        customer = Customer(
            key="CUS-00000001",
            name="Globex Corporation",
            address=Address(city="San Francisco", country="US"),
            tax_id=TaxId(type="us_ein", code="91-1144442"),
            source_id="001",
        )
        complete: dict[str, Any] = {
            "key": "ENG-00000001",
            "name": "Globex data platform",
            "stage": "won",
            "customer": customer,
            "legal_entity": "US",
            "currency": "USD",
            "amount": Decimal(98000),
            "practice": "Data & AI",
            "package": "DATA-FOUNDATION",
            "start": date(2026, 10, 5),
            "end": date(2026, 12, 18),
            "booked_at": datetime(2026, 10, 1, 9, 30, tzinfo=UTC),
            "payment_terms": "Net 30",
            "project_manager": "priya.raman@kestrel.example",
            "lines": (
                ContractLine(
                    id="1", description="Discovery", task="Discovery", hours=Decimal(48), amount=Decimal(16320)
                ),
            ),
            "source_id": "006",
        }
        return Engagement(**{**complete, **changes})

    return make


@pytest.fixture
def make_firm() -> Make:
    def make(**changes: Any) -> Firm:
        rates = {"Principal": Decimal("340.00"), "Consultant": Decimal("175.00")}
        raised = {"Principal": Decimal("350.00"), "Consultant": Decimal("180.00")}
        complete: dict[str, Any] = {
            "name": "Kestrel",
            "entities": (
                LegalEntity(code="US", name="Kestrel Inc.", currency="USD"),
                LegalEntity(code="DE", name="Kestrel GmbH", currency="EUR"),
            ),
            "connections": {
                "salesforce": ConnectionSettings(kind="salesforce", role="crm", owner="Sales"),
                "kantata": ConnectionSettings(kind="kantata", role="psa"),
                "erp-us": ConnectionSettings(kind="tryton", role="erp", entity="US"),
                "erp-de": ConnectionSettings(kind="tryton", role="erp", entity="DE"),
            },
            "approvals": ApprovalRule(amount_above={"USD": Decimal(250000)}, payment_days_above=45),
            "payment_terms": {"Net 30": 30, "Net 60": 60},
            "owners": {"finance operations": "Anna"},
            "packages": (
                ServicePackage(
                    key="DATA-FOUNDATION",
                    name="Data Foundation",
                    practice="Data & AI",
                    tasks=(
                        PackageTask(name="Discovery", role="Principal", hours=Decimal(40)),
                        PackageTask(name="Reporting", role="Consultant", hours=Decimal(120)),
                    ),
                ),
            ),
            "rate_cards": (
                RateCard(
                    key="US-2026",
                    name="US 2026",
                    entity="US",
                    currency="USD",
                    versions=(
                        RateCardVersion(version=1, valid_from=date(2026, 1, 1), rates=rates),
                        RateCardVersion(version=2, valid_from=date(2026, 10, 15), rates=raised),
                    ),
                ),
                RateCard(
                    key="DE-2026",
                    name="DE 2026",
                    entity="DE",
                    currency="EUR",
                    versions=(RateCardVersion(version=1, valid_from=date(2026, 1, 1), rates=rates),),
                ),
            ),
            "tables": (
                ValueTable(
                    name="practice_department",
                    purpose="department",
                    rows=(
                        TableRow(key="Data & AI", value="410"),
                        TableRow(key="Cloud Platforms", value="420", entity="US", valid_from=date(2026, 7, 1)),
                    ),
                ),
                ValueTable(name="legal_entity", purpose="legal entity", rows=(TableRow(key="Europe", value="DE"),)),
            ),
        }
        return Firm(**{**complete, **changes})

    return make


@pytest.fixture
def firm(make_firm: Make) -> Firm:
    return make_firm()


@pytest.fixture
def tables(firm: Firm) -> ValueTables:
    return ValueTables(firm.shipped_rows("folder"))
