"""What an org has before anyone works in it: itself, its profiles, its users and the standard price book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.sessions import OrgUser


def found(records: Records, name: str, users: Sequence[OrgUser]) -> None:
    """Create what is missing; an org that continues from its file keeps what it has and gets only new users."""
    if not users:
        raise ValueError("an org needs at least one user")
    with records.transaction():
        for user in users:
            if not records.live(records.schema["User"], "Username", user.username):
                _user(records, user)
        if not list(records.all(records.schema["Organization"])):
            facts = {"Name": name, "DefaultCurrencyIsoCode": records.schema.corporate_currency}
            _row(records, "Organization", facts)
            _row(records, "Pricebook2", {"Name": "Standard Price Book", "IsStandard": True, "IsActive": True})


def _user(records: Records, user: OrgUser) -> None:
    profiles = {each["Name"]: each for each in records.all(records.schema["Profile"])}
    values = {
        "Username": user.username,
        "FirstName": user.first_name or None,
        "LastName": user.last_name,
        "Name": f"{user.first_name} {user.last_name}".strip(),
        "Email": user.email or user.username,
        "Alias": user.last_name[:8].lower(),
        "TimeZoneSidKey": user.time_zone,
        "DefaultCurrencyIsoCode": user.currency or records.schema.corporate_currency,
        "EmployeeNumber": user.employee_number,
    }
    row = _row(records, "User", values)
    profile = profiles.get(user.profile) or _row(records, "Profile", {"Name": user.profile})
    records.put(records.schema["User"], {**row, "ProfileId": profile["Id"]})


def _row(records: Records, name: str, values: dict[str, Any]) -> Row:
    entity = records.schema[name]
    stamp = records.stamp()
    record_id = records.next_id(entity)
    first = next(iter(records.all(records.schema["User"])), None)
    actor = first["Id"] if first is not None else record_id  # the first user made itself
    row = {each.name: each.default for each in entity.fields.values() if each.stored} | values
    row |= {"Id": record_id, "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
    row |= {"CreatedById": actor, "LastModifiedById": actor}
    records.put(entity, row)
    return row
