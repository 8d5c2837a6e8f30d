"""Names of people: the full name follows its parts."""

from __future__ import annotations

from tieout.connectors.salesforce.emulator.drafts import Draft


def full_name(draft: Draft) -> None:
    parts = (draft.row.get("FirstName"), draft.row.get("LastName"))
    draft.row["Name"] = " ".join(each for each in parts if each) or None
