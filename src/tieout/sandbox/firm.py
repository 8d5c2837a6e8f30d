"""Kestrel Advisory as the sandbox knows it: the one file that every system is seeded from and every person acts by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

DESCRIPTION = Path(__file__).parent / "firm" / "kestrel.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gap(_Part):
    """Days that pass without anybody doing anything, both included."""

    since: date = Field(alias="from")
    to: date


class Span(_Part):
    """The days that the story plays on, both included; `untold` are days between them that nothing is told of."""

    first_day: date
    last_day: date
    untold: Gap

    def tells(self, day: date) -> bool:
        return not self.untold.since <= day <= self.untold.to


class SalesTax(_Part):
    """A tax by the name on the invoice; `rate` is a fraction."""

    name: str
    rate: Decimal


class Entity(_Part):
    """A legal entity: a company with books of its own."""

    code: str
    name: str
    currency: str
    country: str
    city: str
    time_zone: str
    tax: SalesTax
    payment_terms: str


class Department(_Part):
    """The ERP's analytic dimension."""

    code: str
    name: str


class Practice(_Part):
    """What sales and delivery call a field of work; `department` is None where nobody decided yet."""

    name: str
    department: str | None


class CardVersion(_Part):
    """Rates per role and hour from a day on."""

    version: int
    valid_from: date
    rates: Mapping[str, Decimal]


class Card(_Part):
    """The rate card of an entity, in its currency."""

    name: str
    entity: str
    currency: str
    versions: tuple[CardVersion, ...]

    def on(self, day: date) -> CardVersion:
        """The version in force. Raises ValueError before the card begins."""
        return max((each for each in self.versions if each.valid_from <= day), key=lambda each: each.valid_from)


class Colleague(_Part):
    """Somebody who works at the firm; the personnel number is the same in every system."""

    number: str
    name: str
    email: str
    entity: str
    role: str
    practice: str
    cost_rate: Decimal
    sells: bool = False
    approves: bool = False


class Clerk(_Part):
    """Somebody in finance, who has a login in the ERP alone."""

    name: str
    email: str
    entity: str


class Task(_Part):
    """A task of a package with its budget in hours."""

    name: str
    role: str
    hours: Decimal


class Package(_Part):
    """What may be sold."""

    code: str
    name: str
    practice: str
    billing: str | dict[str, Any]
    tasks: tuple[Task, ...]

    @property
    def milestones(self) -> tuple[str, ...]:
        """With whose acceptance a part of its fee becomes due, each once."""
        plan = self.billing if isinstance(self.billing, dict) else {}
        named = [*(each.get("milestone") for each in plan.get("instalments", ())), plan.get("released_with")]
        return tuple(dict.fromkeys(str(each) for each in named if each))


class TaxNumber(_Part):
    """A tax registration: which register, and the number there."""

    type: str
    code: str


class Buyer(_Part):
    """The person at a customer who pays the invoices."""

    first: str
    last: str
    email: str


class Company(_Part):
    """A customer as the CRM has it before the story begins."""

    name: str
    parent: str | None = None
    tax_id: TaxNumber
    entity: str
    street: str
    city: str
    postal_code: str
    country: str
    contact: Buyer


class KestrelFirm(_Part):
    """The whole firm. Look-ups raise KeyError for what nobody is called."""

    name: str
    story: Span
    entities: tuple[Entity, ...]
    payment_terms: Mapping[str, int]
    departments: tuple[Department, ...]
    practices: tuple[Practice, ...]
    roles: tuple[str, ...]
    rate_cards: tuple[Card, ...]
    people: tuple[Colleague, ...]
    finance_clerks: tuple[Clerk, ...]
    packages: tuple[Package, ...]
    customers: tuple[Company, ...]

    def entity(self, code: str) -> Entity:
        return {each.code: each for each in self.entities}[code]

    def card(self, entity: str) -> Card:
        return {each.entity: each for each in self.rate_cards}[entity]

    def person(self, number: str) -> Colleague:
        return {each.number: each for each in self.people}[number]

    def package(self, code: str) -> Package:
        return {each.code: each for each in self.packages}[code]

    def customer(self, name: str) -> Company:
        return {each.name: each for each in self.customers}[name]

    def seller(self, entity: str) -> Colleague:
        return {each.entity: each for each in self.people if each.sells}[entity]

    def lead(self, entity: str) -> Colleague:
        """Who staffs the entity's projects and approves their time."""
        return {each.entity: each for each in self.people if each.approves}[entity]

    def clerk(self, entity: str) -> Clerk:
        return {each.entity: each for each in self.finance_clerks}[entity]


def load(path: Path = DESCRIPTION) -> KestrelFirm:
    """The firm as the file describes it. Raises ValueError for anything that does not fit."""
    return KestrelFirm.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
