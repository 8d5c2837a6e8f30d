"""The firm as its folder describes it: legal entities, connections, packages, rate cards and the rules it chose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from tieout.domain.documents.document import Part
from tieout.domain.documents.package import RateCard, ServicePackage
from tieout.domain.values import ANY, ValueRow

Role = Literal["crm", "psa", "erp"]


class LegalEntity(Part):
    """A company of the firm, with books of its own in one currency (ISO 4217)."""

    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$")
    name: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class ConnectionSettings(Part):
    """One configured system. `settings` are the connector's own; secrets come from the environment, never from here."""

    kind: str
    role: Role
    entity: str | None = Field(
        default=None, description="The legal entity whose system this is; absent: every entity's"
    )
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    fields: dict[str, str] = Field(
        default_factory=dict[str, str], description="Canonical field → the firm's own field in this system"
    )


class ApprovalRule(Part):
    """Terms that finance must accept before a project is set up."""

    amount_above: dict[str, Decimal] = Field(default_factory=dict[str, Decimal], description="Currency → amount")
    payment_days_above: int | None = None


class BillingRule(Part):
    """When approved work is invoiced: for each month, `days_after` days after its last day."""

    days_after: int = Field(default=2, ge=0, le=28)
    line_per: Literal["task_and_rate"] = "task_and_rate"


class ValueTable(Part):
    """A value table as the folder ships it; later rows are added in the console or by `tieout apply`."""

    name: str
    purpose: str
    four_eyes: bool = False
    rows: tuple[TableRow, ...] = ()


class TableRow(Part):
    """One key of a value table."""

    key: str
    value: str
    entity: str = ANY
    valid_from: date = date(2000, 1, 1)


ValueTable.model_rebuild()


class Firm(Part):
    """Everything `tieout.yaml`, `packages/`, `rate_cards/` and `tables/` say, checked and frozen."""

    name: str
    entities: tuple[LegalEntity, ...] = Field(min_length=1)
    connections: dict[str, ConnectionSettings]
    approvals: ApprovalRule = ApprovalRule()
    billing: BillingRule = BillingRule()
    payment_terms: dict[str, int] = Field(default_factory=dict[str, int], description="Name → days")
    packages: tuple[ServicePackage, ...] = ()
    rate_cards: tuple[RateCard, ...] = ()
    tables: tuple[ValueTable, ...] = ()

    def entity(self, code: str) -> LegalEntity | None:
        return next((each for each in self.entities if each.code == code), None)

    def package(self, code: str) -> ServicePackage | None:
        return next((each for each in self.packages if each.key.casefold() == code.strip().casefold()), None)

    def rate_card(self, entity: str) -> RateCard | None:
        return next((each for each in self.rate_cards if each.entity == entity), None)

    def named_rate_card(self, name: str) -> RateCard | None:
        return next((each for each in self.rate_cards if each.name == name), None)

    def connection(self, role: Role, entity: str | None) -> str | None:
        """The connection that plays a role for an entity; its own one goes before one for every entity."""
        of_role = {name: each for name, each in self.connections.items() if each.role == role}
        own = [name for name, each in of_role.items() if each.entity == entity]
        shared = [name for name, each in of_role.items() if each.entity is None]
        return next(iter(own or shared), None)

    def purpose(self, table: str) -> str:
        return next((each.purpose for each in self.tables if each.name == table), table)

    def shipped_rows(self, author: str) -> list[ValueRow]:
        return [
            ValueRow(table.name, row.key, row.value, row.entity, row.valid_from, author)
            for table in self.tables
            for row in table.rows
        ]


def faults(firm: Firm) -> list[str]:
    """Everything that is wrong across the folder's parts, each with its place; an empty list when it can be applied."""
    found: list[str] = []
    codes = {each.code for each in firm.entities}
    for name, connection in firm.connections.items():
        if connection.entity is not None and connection.entity not in codes:
            found.append(f"connections.{name}.entity: {connection.entity!r} is not one of {sorted(codes)}")
    for entity in firm.entities:
        for role in ("crm", "psa", "erp"):
            if firm.connection(role, entity.code) is None:
                found.append(f"connections: nothing plays the role {role} for {entity.code}")
        card = firm.rate_card(entity.code)
        if card is None:
            found.append(f"rate_cards: none for the legal entity {entity.code}")
        elif card.currency != entity.currency:
            found.append(
                f"rate_cards.{card.name}: is in {card.currency}, {entity.code} keeps its books in {entity.currency}"
            )
    found += _package_faults(firm)
    for table in firm.tables:
        for row in table.rows:
            if row.entity not in codes | {ANY}:
                found.append(f"tables.{table.name}: {row.entity!r} is not a legal entity")
    return found


def _package_faults(firm: Firm) -> list[str]:
    roles = {role for card in firm.rate_cards for version in card.versions for role in version.rates}
    found: list[str] = []
    seen: Mapping[str, int] = {}
    for package in firm.packages:
        seen = {**seen, package.key: seen.get(package.key, 0) + 1}
        if not package.tasks:
            found.append(f"packages.{package.key}: has no tasks")
        names = [task.name for task in package.tasks]
        found += [
            f"packages.{package.key}: task {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        found += [
            f"packages.{package.key}.{task.name}: no rate card knows the role {task.role!r}"
            for task in package.tasks
            if task.role not in roles
        ]
    found += [f"packages.{key}: stands in the folder {count} times" for key, count in seen.items() if count > 1]
    return found
