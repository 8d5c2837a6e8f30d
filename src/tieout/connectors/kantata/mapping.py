"""Kantata's records in canonical terms: what a time entry says, and in which state its submission has put it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tieout.connectors.kantata.client import Row
from tieout.domain.documents.work import TimeEntry
from tieout.domain.identity import Ref, content_hash
from tieout.domain.mapping import Field, MappingTable, apply, text
from tieout.domain.money import Money
from tieout.domain.rating import entry_amount

SERVICE = "tieout"


def day(value: Any) -> date:
    return date.fromisoformat(str(value)[:10])


def instant(value: Any) -> datetime | None:
    """2026-10-01T02:00:00-07:00, in the zone of the account: text order is no time order."""
    return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(UTC) if value else None


def stamp(value: Any) -> str:
    """UTC to the second, so that text order is time order; empty for no value."""
    moment = instant(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


TIME_ENTRY = MappingTable(
    "kantata.time_entry",
    1,
    (
        Field("source_id", "id", text),
        Field("project", "workspace_id", text),
        Field("task", "story_id", text),
        Field("person", "user.person", text),
        Field("work_date", "date_performed", day),
        Field("minutes", "time_in_minutes", int),
        Field("billable_minutes", "billable_minutes", int),
        Field("rate", "rate"),
        Field("currency", "currency", text),
        Field("state", "submission.state", text),
        Field("approved_by", "submission.approver", text),
        Field("approved_at", "submission.approved_at", instant),
        Field("notes", "notes", text),
    ),
)


def joined(entry: Row, workspace: Row | None, submission: Row | None, people: Mapping[str, Row]) -> Row:
    """The entry with what stands around it: the person, the submission as a state, the rate as money per hour."""
    approver = people.get(str((submission or {}).get("current_resolution_creator_id") or ""))
    state = state_of(entry, workspace, submission)
    resolved = submission if state == "approved" and submission else {}
    minutes = int(entry["time_in_minutes"])
    return {
        **entry,
        "user": people.get(str(entry.get("user_id")), {}),
        "billable_minutes": minutes if entry["billable"] else 0,
        "rate": rate_of(entry),
        "submission": {
            "state": state,
            "approver": approver["person"] if approver and resolved else "",
            "approved_at": resolved.get("current_resolution_created_at_date"),
        },
    }


def state_of(entry: Row, workspace: Row | None, submission: Row | None) -> str:
    """The hub's word for where an entry stands. A cancelled approval makes it a draft again (T13); in a project without
    time approvals, time is approved as it is booked."""
    if entry.get("approved"):
        return "approved"
    match (submission or {}).get("status"):
        case "approved":
            return "approved"
        case "pending" | "new":
            return "submitted"
        case "rejected":
            return "rejected"
        case _:
            return "approved" if workspace and workspace.get("require_time_approvals") is False else "draft"


def rate_of(entry: Row) -> Decimal | None:
    """Money per hour; None when the account does not tell it to us."""
    cents = entry.get("rate_in_cents")
    return None if cents is None else Decimal(int(cents)) / int(entry.get("currency_base_unit") or 100)


def person_of(user: Row, references: Mapping[str, Row], service: str) -> Row:
    """Who a user is outside Kantata: by personnel number, else by e-mail address."""
    held = [references[each] for each in user.get("external_reference_ids") or () if each in references]
    number = next((each["service_model_ref"] for each in held if each["service_name"] == service), "")
    return {"person": number or user.get("email_address") or f"user {user['id']}", "name": text(user.get("full_name"))}


def version_of(entry: Row, submission: Row | None, said: Mapping[str, Any]) -> str:
    """When entry or submission last changed, then a fingerprint of what we read.

    The submission counts by its own moments, because the vendor does not say that an approval touches the entry.
    """
    moments = [entry["updated_at"]]
    if submission:
        moments += [submission["created_at"], submission.get("current_resolution_created_at_date")]
    return f"{max(stamp(each) for each in moments)}#{content_hash(dict(said))[:16]}"


def gone(entry_id: str, changed_at: Any) -> str:
    """The version of an entry that is no more."""
    return f"{stamp(changed_at)}#{content_hash([entry_id, 'deleted'])[:16]}"


def values_of(full: Row) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Canonical values of a joined entry, and where each came from."""
    mapped = apply(TIME_ENTRY, full)
    return mapped.values, mapped.trail


def record_of(full: Row, values: Mapping[str, Any]) -> Row:
    """The values as the inbox keeps them: JSON, decimals as strings."""
    plain = {
        name: str(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }
    return {**plain, "person_name": full["user"].get("name", "")}


def worth(values: Mapping[str, Any]) -> Money | None:
    """Rate times billable time, to the minor unit."""
    if values["rate"] is None or not values["currency"]:
        return None
    return entry_amount(values["billable_minutes"], Money(values["rate"], values["currency"]))


def document(ref: Ref, values: Mapping[str, Any], version: str) -> TimeEntry:
    return TimeEntry.model_validate(
        {**values, "key": f"{ref.connection}-{ref.id}", "source_version": version, "approved_by": values["approved_by"]}
    )
