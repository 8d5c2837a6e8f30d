"""What an account is founded with: people, roles, templates, rate cards and custom fields, added where they are missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import stamp

_HR = "hris"


@dataclass(frozen=True, slots=True)
class KantataUser:
    """A person of the account. `permission` is the vendor's word; the personnel number becomes an external reference of
    the service `hris`. A `token` of one's own choice makes examples readable."""

    email: str
    name: str
    personnel_number: str = ""
    role: str = ""
    permission: str = "collaborator"
    bill_rate: Decimal = Decimal(0)
    cost_rate: Decimal = Decimal(0)
    headline: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class TemplateTask:
    """A task, or with another `kind` a milestone, which nobody has in a role or books on."""

    title: str
    role: str = ""
    hours: Decimal = Decimal(0)
    billable: bool = True
    kind: str = "task"


@dataclass(frozen=True, slots=True)
class KantataTemplate:
    title: str
    tasks: Sequence[TemplateTask]
    description: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class RateVersion:
    """Money per hour and role from a day on."""

    effective: date
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class KantataRateCard:
    """A rate card set of this title with one card in one currency."""

    title: str
    currency: str
    versions: Sequence[RateVersion]


@dataclass(frozen=True, slots=True)
class KantataExchangeRate:
    """A row of the exchange table: units of the target currency for one of the source, from a day on."""

    source: str
    target: str
    rate: Decimal
    effective: date


@dataclass(frozen=True, slots=True)
class KantataField:
    """A custom field; `choices` are the labels of a `single` or `multi` field."""

    name: str
    value_type: str = "string"
    subject: str = "Workspace"
    choices: Sequence[str] = field(default=())
    unique: bool = False


def found_account(records: Records, name: str) -> None:
    if records.fact("account_id") is None:
        records.set_fact("account_id", 5_400_001)
        records.set_fact("account_name", name)


def add_user(records: Records, user: KantataUser) -> Row:
    known = records.first("users", email_address=user.email)
    if known:
        return known
    role_id = add_role(records, user.role)["id"] if user.role else None
    row = records.insert(
        "users", full_name=user.name, email_address=user.email, headline=user.headline or None, photo_path=None,
        generic=False, disabled=False, role_id=role_id, bio=None, city=None, country=None,
    )  # fmt: skip
    membership = records.insert(
        "account_memberships", user_id=row["id"], permission=user.permission, default_role_id=role_id,
        bill_rate_in_cents=cents(user.bill_rate), cost_rate_in_cents=cents(user.cost_rate), disabled_at=None,
        manager_id=None, billability_target=None,
    )  # fmt: skip
    records.change("users", row["id"], account_membership_id=membership["id"])
    if user.personnel_number:
        records.insert(
            "external_references", service_name=_HR, service_model="Employee", status="successful", locked=False,
            service_model_ref=user.personnel_number, subject_type="User", subject_id=row["id"], external_link=None,
            external_message=None, external_status=None, last_synced_at=stamp(records.now()),
        )  # fmt: skip
    return row


def add_role(records: Records, name: str) -> Row:
    return records.first("roles", name=name) or records.insert("roles", name=name, deleted_at=None)


def add_template(records: Records, template: KantataTemplate, owner: Row) -> Row:
    known = records.first("project_templates", title=template.title)
    if known:
        return known
    row = records.insert(
        "project_templates", title=template.title, shared=True, is_budgeted=True, budget=None, duration=None,
        currency=template.currency, description=template.description, raw_json=None, user_id=owner["id"],
    )  # fmt: skip
    resources = {
        role: records.insert(
            "project_template_assignments",
            project_template_id=row["id"],
            name=role,
            role_id=add_role(records, role)["id"],
        )["id"]
        for role in dict.fromkeys(task.role for task in template.tasks if task.role)
    }
    stories: list[dict[str, Any]] = [
        {
            "title": task.title, "billable": task.billable, "temp_id": number, "story_type": task.kind,
            "time_estimate_in_minutes": int(Decimal(task.hours) * 60),
            "assignments": [{"resource_id": resources[task.role]}] if task.role else [],
        }
        for number, task in enumerate(template.tasks, 1)
    ]  # fmt: skip
    return records.change("project_templates", row["id"], raw_json=json.dumps({"stories": stories}))


def add_rate_card(records: Records, card: KantataRateCard) -> Row:
    known = records.first("rate_card_sets", title=card.title) or records.insert(
        "rate_card_sets", title=card.title, account_default=False, active_currencies=[card.currency]
    )
    row = records.first("rate_cards", rate_card_set_id=known["id"], currency=card.currency)
    row = row or records.insert("rate_cards", rate_card_set_id=known["id"], currency=card.currency)
    for version in card.versions:
        day = version.effective.isoformat()
        dated = records.first("rate_card_set_versions", rate_card_set_id=known["id"], effective_date=day)
        dated = dated or records.insert(
            "rate_card_set_versions", rate_card_set_id=known["id"], effective_date=day, active=True
        )
        if records.first("rate_card_versions", rate_card_id=row["id"], rate_card_set_version_id=dated["id"]):
            continue
        made = records.insert(
            "rate_card_versions", rate_card_id=row["id"], rate_card_set_version_id=dated["id"], default_rate=None
        )
        for role, rate in version.rates.items():
            records.insert(
                "rate_card_roles",
                rate_card_version_id=made["id"],
                role_id=add_role(records, role)["id"],
                rate=cents(rate),
            )
    return row


def add_exchange_rate(records: Records, given: KantataExchangeRate) -> None:
    """A rate of the same pair and day takes the place of the old one."""
    row = {"source": given.source, "target": given.target, "effective": given.effective.isoformat()}
    others = [each for each in records.fact("exchange_rates", []) if {**each, **row} != each]
    records.set_fact("exchange_rates", [*others, {**row, "rate": str(given.rate)}])


def add_category(records: Records, name: str) -> Row:
    return records.first("expense_categories", name=name) or records.insert(
        "expense_categories", name=name, taxable=False
    )


def add_field(records: Records, given: KantataField, owner: Row) -> Row:
    known = records.first("custom_fields", name=given.name, subject_type=given.subject)
    if known:
        return known
    row = records.insert(
        "custom_fields", name=given.name, value_type=given.value_type, subject_type=given.subject, default_text=None,
        unique_constraint=given.unique, custom_field_set_id=None, write_access="admin", read_access="admin",
        creator_id=owner["id"], choice_ids=[],
    )  # fmt: skip
    choices = [
        records.insert("custom_field_choices", label=each, custom_field_id=row["id"])["id"] for each in given.choices
    ]
    return records.change("custom_fields", row["id"], choice_ids=choices)


def cents(amount: Decimal) -> int:
    """Raises ValueError for a rate that is finer than a cent."""
    exact = Decimal(amount) * 100
    if exact != exact.to_integral_value():
        raise ValueError(f"{amount} is finer than a cent")
    return int(exact)
