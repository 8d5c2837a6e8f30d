"""Change orders: the firm's own approval, which locks what it has seen."""

from __future__ import annotations

from tieout.connectors.salesforce.emulator.drafts import Draft
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Records, Row

_STEPS = {
    None: ("Draft",),
    "Draft": ("Submitted", "Withdrawn"),
    "Submitted": ("Approved", "Rejected", "Withdrawn"),
    "Rejected": ("Draft", "Withdrawn"),
}
_DECIDED = ("Approved", "Rejected")


def approve(draft: Draft) -> None:
    """A decision is somebody else's than the one who submitted, and what was submitted is what is decided."""
    row, before = draft.row, draft.before
    status = before["Status__c"] if before else None
    if draft.changed("Status__c"):
        if row["Status__c"] not in _STEPS.get(status, ()):
            raise _invalid(f"A change order cannot go from {status or 'nothing'} to {row['Status__c']}")
        if row["Status__c"] in _DECIDED:
            if draft.actor == row["Submitted_By__c"]:
                raise _invalid("Nobody decides a change order of their own")
            row["Decided_By__c"], row["Decided_At__c"] = draft.actor, draft.records.stamp()
        elif row["Status__c"] == "Submitted":
            row["Submitted_By__c"], row["Submitted_At__c"] = draft.actor, draft.records.stamp()
            row["Decided_By__c"] = row["Decided_At__c"] = None
    elif status not in (None, "Draft"):
        raise _locked()


def keep_lines(draft: Draft) -> None:
    order = draft.parent("Change_Order__c")
    if order is not None and order["Status__c"] != "Draft":
        raise _locked()


def keep_line(records: Records, line: Row) -> None:
    order = records.get(records.schema["Change_Order__c"], line["Change_Order__c"])
    if order is not None and not order["IsDeleted"] and order["Status__c"] != "Draft":
        raise _locked()


def keep_order(records: Records, order: Row) -> None:
    if order["Status__c"] not in ("Draft", "Withdrawn"):
        raise _locked()


def _invalid(message: str) -> Exception:
    return refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, "Status__c")


def _locked() -> Exception:
    return refusal("ENTITY_IS_LOCKED", "the entity is locked for editing")
