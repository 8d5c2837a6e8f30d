"""Currencies as the account shows them, and what an hour costs: by role, by the project's rate card, by the day of the work."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.schema import Row

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CHF": "CHF", "JPY": "¥"}


def currency(code: str) -> dict[str, Any]:
    return {
        "currency": code,
        "currency_symbol": _SYMBOLS.get(code, code),
        "currency_base_unit": 1 if code == "JPY" else 100,
    }


def formatted(cents: int, code: str) -> str:
    base = currency(code)["currency_base_unit"]
    return f"{_SYMBOLS.get(code, code)}{cents / base:,.{2 if base > 1 else 0}f}"


def converted(records: Records, value: Decimal, source: str, target: str, day: str) -> int | None:
    """Cents of the target currency by the rate of the account's exchange table on the day; None when there is none."""
    rates = records.fact("exchange_rates", [])
    in_force = [
        each for each in rates if each["source"] == source and each["target"] == target and each["effective"] <= day
    ]
    if source == target:
        rate = Decimal(1)
    elif in_force:
        rate = Decimal(max(in_force, key=lambda each: each["effective"])["rate"])
    else:
        return None
    base = currency(target)["currency_base_unit"]
    return int((value * rate * base).quantize(Decimal(1), ROUND_HALF_UP))


def role_of(records: Records, workspace_id: str, story: Row | None, user: Row) -> str | None:
    """The role in which somebody works on a task: as assigned to it, as planned for it, in the project, in the account."""
    resources = [
        each
        for one in (story["workspace_resources_with_unnamed_ids"] if story else ())
        if (each := records.get("workspace_resources", one))
    ]
    own = [each for each in resources if each["user_id"] == user["id"]]
    in_project = [
        each
        for each in records.where("workspace_resources", "workspace_id", workspace_id)
        if each["user_id"] == user["id"]
    ]
    unnamed = [each for each in resources if each["user_id"] is None]
    for each in (*own, *unnamed, *in_project):
        if each["role_id"]:
            return each["role_id"]
    return user["role_id"]


def rate_of(records: Records, workspace: Row, role_id: str | None, user: Row, day: str) -> int:
    """Cents per hour. The version of the card that is in force on the day decides, and its default for an unknown role."""
    version = _version(records, workspace["rate_card_id"], day)
    if version is not None:
        for each in records.where("rate_card_roles", "rate_card_version_id", version["id"]):
            if each["role_id"] == role_id:
                return each["rate"]
        if version["default_rate"] is not None:
            return version["default_rate"]
    membership = records.first("account_memberships", user_id=user["id"])
    return (membership or {}).get("bill_rate_in_cents") or 0


def _version(records: Records, card_id: str | None, day: str) -> Row | None:
    in_force: list[tuple[str, Row]] = []
    for version in records.where("rate_card_versions", "rate_card_id", card_id) if card_id else ():
        dated = records.get("rate_card_set_versions", version["rate_card_set_version_id"])
        if dated and dated["active"] and dated["effective_date"] <= day:
            in_force.append((dated["effective_date"], version))
    return max(in_force, key=lambda each: each[0])[1] if in_force else None
