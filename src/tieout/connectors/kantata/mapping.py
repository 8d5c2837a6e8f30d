"""Kantata's records in canonical terms: what time, an expense or a milestone says, and in which state its approval has put it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.kantata.client import Row
from tieout.domain.documents.expense import Expense
from tieout.domain.documents.milestone import Milestone
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


def before(moment: str, by: timedelta) -> str:
    """So long before a stamp; empty for none."""
    found = instant(moment)
    return stamp((found - by).isoformat()) if found else ""


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
EXPENSE = MappingTable(
    "kantata.expense",
    1,
    (
        Field("source_id", "id", text),
        Field("project", "workspace_id", text),
        Field("task", "story_id", text),
        Field("person", "user.person", text),
        Field("day", "date", day),
        Field("category", "category", text),
        Field("receipt_amount", "receipt.amount"),
        Field("receipt_currency", "receipt.currency", text),
        Field("claim_amount", "claim"),
        Field("claim_currency", "currency", text),
        Field("rate", "receipt.rate"),
        Field("rate_date", "date", day),
        Field("has_receipt", "receipt.there", bool),
        Field("billable", "billable", bool),
        Field("taxable", "taxable", bool),
        Field("state", "submission.state", text),
        Field("approved_by", "submission.approver", text),
        Field("approved_at", "submission.approved_at", instant),
        Field("notes", "notes", text),
    ),
)
MILESTONE = MappingTable(
    "kantata.milestone",
    1,
    (
        Field("source_id", "id", text),
        Field("project", "workspace_id", text),
        Field("name", "title", text),
        Field("state", "acceptance.state", text),
        Field("share", "acceptance.share"),
        Field("since", "acceptance.since"),
        Field("accepted_by", "acceptance.by", text),
    ),
)


def joined(entry: Row, workspace: Row | None, submission: Row | None, people: Mapping[str, Row]) -> Row:
    """The entry with what stands around it: the person, the submission as a state, the rate as money per hour."""
    minutes = int(entry["time_in_minutes"])
    return {
        **entry,
        "user": people.get(str(entry.get("user_id")), {}),
        "billable_minutes": minutes if entry["billable"] else 0,
        "rate": rate_of(entry),
        "submission": _verdict(entry, workspace, submission, people, "require_time_approvals"),
    }


def joined_expense(expense: Row, workspace: Row | None, submission: Row | None, people: Mapping[str, Row]) -> Row:
    """The expense with what stands around it: the person, the submission as a state, receipt and claim as money.

    Kantata converts what was paid by its own exchange table as of the expense's day and does not tell the rate: it is what
    the claim is for one unit of the receipt, to eight digits.
    """
    claim = Decimal(int(expense["amount_in_cents"])) / int(expense.get("currency_base_unit") or 100)
    foreign: Row = expense.get("foreign_exchange_amount") or {}
    paid = Decimal(str(foreign["source_value"])) if foreign else claim
    currency = foreign["source_currency"] if foreign else expense["currency"]
    rate = Decimal(1) if currency == expense["currency"] else _quotient(claim, paid)
    there = expense.get("receipt_id") is not None
    return {
        **expense,
        "user": people.get(str(expense.get("user_id")), {}),
        "claim": claim,
        "receipt": {"amount": paid, "currency": currency, "rate": rate, "there": there},
        "submission": _verdict(expense, workspace, submission, people, "require_expense_approvals"),
    }


def _quotient(claim: Decimal, paid: Decimal) -> Decimal | None:
    return (claim / paid).quantize(Decimal("0.00000001")) if paid else None


def _verdict(line: Row, workspace: Row | None, submission: Row | None, people: Mapping[str, Row], required: str) -> Row:
    """Where a line stands, and who approved it when."""
    approver = people.get(str((submission or {}).get("current_resolution_creator_id") or ""))
    state = state_of(line, workspace, submission, required)
    resolved = submission if state == "approved" and submission else {}
    return {
        "state": state,
        "approver": approver["person"] if approver and resolved else "",
        "approved_at": resolved.get("current_resolution_created_at_date"),
    }


def state_of(line: Row, workspace: Row | None, submission: Row | None, required: str) -> str:
    """The hub's word for where time or an expense stands. A cancelled approval makes it a draft again (T13); in a project that
    has not `required` approvals, it is approved as it is booked."""
    if line.get("approved"):
        return "approved"
    match (submission or {}).get("status"):
        case "approved":
            return "approved"
        case "pending" | "new":
            return "submitted"
        case "rejected":
            return "rejected"
        case _:
            return "approved" if workspace and workspace.get(required) is False else "draft"


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
    return _version(moments, said)


def _version(moments: Sequence[Any], said: Mapping[str, Any]) -> str:
    return f"{max(stamp(each) for each in moments)}#{content_hash(dict(said))[:16]}"


def gone(entry_id: str, changed_at: Any) -> str:
    """The version of an entry that is no more."""
    return f"{stamp(changed_at)}#{content_hash([entry_id, 'deleted'])[:16]}"


def values_of(full: Row, table: MappingTable = TIME_ENTRY) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Canonical values of a joined record, and where each came from."""
    mapped = apply(table, full)
    return mapped.values, mapped.trail


def plain(values: Mapping[str, Any]) -> Row:
    """The values as the inbox keeps them: JSON, decimals as strings."""
    return {
        name: str(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def record_of(full: Row, values: Mapping[str, Any]) -> Row:
    return {**plain(values), "person_name": full["user"].get("name", "")}


def worth(values: Mapping[str, Any]) -> Money | None:
    """Rate times billable time, to the minor unit."""
    if values["rate"] is None or not values["currency"]:
        return None
    return entry_amount(values["billable_minutes"], Money(values["rate"], values["currency"]))


def claimed(values: Mapping[str, Any]) -> Money:
    return Money(values["claim_amount"], values["claim_currency"])


def document(ref: Ref, values: Mapping[str, Any], version: str) -> TimeEntry:
    return TimeEntry.model_validate({**values, "key": f"{ref.connection}-{ref.id}", "source_version": version})


def expense(ref: Ref, values: Mapping[str, Any], version: str) -> Expense:
    return Expense.model_validate({**values, "key": f"{ref.connection}-{ref.id}", "source_version": version})


def accepted_milestone(milestone: Row, steps: Sequence[Row], told_share: Row | None, people: Mapping[str, Row]) -> Row:
    """The milestone with how far it is accepted, since which day (of the account's zone), and by whom.

    `steps` are its changes of state, the earliest first; `told_share` is the value of the firm's field, in percent. It says how
    much is accepted whatever the state; without it a completed milestone is accepted whole. What was accepted and is so no
    longer says since when. A share that is none decides nothing: it is as on hold.
    """
    nothing = Decimal(0)
    completed = [each for each in steps if each["state"] == "completed"]
    last = steps[-1] if steps else None
    share = None if told_share is None else Decimal(str(told_share["value"])) / 100
    if milestone.get("deleted_at"):
        acceptance = _acceptance("deleted", nothing, milestone["deleted_at"])
    elif milestone["state"] == "needs info" or (share is not None and not 0 <= share <= 1):
        acceptance = _acceptance("on_hold", nothing, None)
    elif told_share is not None and share is not None:
        decider = people.get(str(told_share["setter_id"]), {})
        state = "accepted" if share else "open"
        acceptance = _acceptance(state, share, told_share["updated_at"], decider)
    elif milestone["state"] == "completed":
        decided = completed[-1] if completed else {}
        decider = people.get(str(decided.get("user_id")), {})
        acceptance = _acceptance("accepted", Decimal(1), decided.get("created_at") or milestone["created_at"], decider)
    else:
        acceptance = _acceptance("open", nothing, last["created_at"] if last and completed else None)
    return {**milestone, "acceptance": acceptance}


def _acceptance(state: str, share: Decimal, since: Any, decider: Row | None = None) -> Row:
    by = (decider or {}).get("person", "")
    return {"state": state, "share": share, "since": day(since) if since else None, "by": by}


def milestone_version(milestone: Row, steps: Sequence[Row], told_share: Row | None, full: Row) -> str:
    """When the milestone, its state or its share last changed, then a fingerprint of what we read."""
    moments = [milestone["updated_at"], *(each["created_at"] for each in steps)]
    moments += [told_share["updated_at"]] if told_share else []
    return _version(moments, plain(values_of(full, MILESTONE)[0]))


def milestone(ref: Ref, values: Mapping[str, Any], version: str) -> Milestone:
    return Milestone.model_validate({**values, "key": f"{ref.connection}-{ref.id}", "source_version": version})
