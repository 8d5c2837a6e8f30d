"""What a time entry became: delivered, billed, credited, billed again, or by the contract not billed at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from tieout.store import documents
from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Chapter:
    """One time that an entry met an invoice."""

    what: Literal["billed", "credited", "billed again", "withdrawn"]
    invoice: str
    number: str
    state: str
    line: str
    minutes: int
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryStory:
    """A time entry, every state it was in, and everything it became; `at_risk` while nobody has signed for it.

    `holds` are those for problems of its kind.
    """

    entry: Mapping[str, Any]
    versions: Sequence[Mapping[str, Any]]
    chapters: Sequence[Chapter]
    approved_minutes: int
    billed_minutes: int
    project_name: str = ""
    person_name: str = ""
    at_risk: bool = False
    # What the contract has decided not to bill: pieces with fate, minutes, worth and why.
    aside: Sequence[Mapping[str, Any]] = ()
    holds: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])

    @property
    def unbilled_minutes(self) -> int:
        return self.approved_minutes - self.billed_minutes - sum(each["minutes"] for each in self.aside)


async def entry_story(tx: Tx, connection: str, source_id: str) -> EntryStory | None:
    """What a time entry became: delivered, billed, credited, billed again; None when the hub never saw it."""
    entry = await row(tx, "select * from time_entry where connection = %s and source_id = %s", (connection, source_id))
    if entry is None:
        return None
    versions = await rows(
        tx,
        """
        select version, seen_at, body from time_entry_version where connection = %s and source_id = %s
        order by version collate "C"
        """,
        (connection, source_id),
    )
    project = await documents.latest(tx, "project", entry["project"])
    chapters = await chapters_of(tx, connection, source_id, kind="time")
    return EntryStory(
        entry=entry,
        versions=versions,
        chapters=chapters,
        approved_minutes=entry["billable_minutes"] if entry["state"] == "approved" else 0,
        billed_minutes=sum(each.minutes for each in chapters if each.what != "withdrawn"),
        project_name=project["body"]["name"] if project else "",
        person_name=(versions[-1]["body"].get("person_name") or "") if versions else "",
        at_risk=(bool(project) and project["body"]["contract_version"] == 0) or await _on_a_change(tx, entry),
        aside=await aside_of(tx, connection, source_id, kind="time"),
        holds=await rows(
            tx,
            "select * from hold where state = 'open' and code = %s and subject = %s order by due_at limit 20",
            (entry["problem"], f"{connection}/time"),
        ),
    )


async def chapters_of(tx: Tx, connection: str, source_id: str, *, kind: str) -> list[Chapter]:
    """Every time that an event met an invoice, in order."""
    met = await rows(
        tx,
        """
        select i.key, i.number, i.state, i.customer, i.currency, i.proposed_at, e.line, e.minutes, e.amount
        from evidence e join invoice i on i.key = e.invoice
        where e.connection = %s and e.source_id = %s and e.kind = %s order by i.proposed_at, i.key, e.line
        """,
        (connection, source_id, kind),
    )
    return _chapters(met)


async def aside_of(tx: Tx, connection: str, source_id: str, *, kind: str) -> list[dict[str, Any]]:
    """What the contract, or a person, has decided not to bill of an event."""
    return await rows(
        tx,
        """
        select fate, why, currency, sum(minutes)::integer as minutes, sum(worth) as worth, max(decided_at) as decided_at
        from piece where connection = %s and source_id = %s and kind = %s group by fate, why, currency
        having sum(minutes) <> 0 or sum(worth) <> 0 order by fate, why
        """,
        (connection, source_id, kind),
    )


def _chapters(met: Sequence[Mapping[str, Any]]) -> list[Chapter]:
    chapters: list[Chapter] = []
    # Several payers are billed at once, each for the first time; whoever pays after it was taken back pays again.
    payers: set[str] = set()
    undone = False
    for each in met:
        if each["state"] == "cancelled":
            what = "withdrawn"
        elif each["minutes"] < 0 or each["amount"] < 0:
            what, undone = "credited", True
        else:
            what = "billed again" if undone or each["customer"] in payers else "billed"
            payers.add(each["customer"])
        chapters.append(
            Chapter(
                what, each["key"], each["number"], each["state"], each["line"], each["minutes"], each["amount"],
                each["currency"], each["proposed_at"],
            )
        )  # fmt: skip
    return chapters


async def _on_a_change(tx: Tx, entry: dict[str, Any]) -> bool:
    """Whether it is on a task that the contract does not have, while a change of it waits for an approval (T35)."""
    if entry["problem"] != "time.task_unknown":
        return False
    found = await row(tx, "select change_waits(%s) as waits", (entry["engagement"],))
    return found is not None and bool(found["waits"])
