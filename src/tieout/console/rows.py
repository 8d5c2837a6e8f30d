"""Holds as lists show them: one line per problem, gathered by cause, ranked by money and deadline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.console import wording
from tieout.domain.money import Money
from tieout.domain.problems import CATALOGUE, Explained, Problem, explain
from tieout.domain.urgency import urgency


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One problem of one document. Its money is shown once: a second problem says where it is counted."""

    id: int
    title: str
    what: str
    code: str
    cause: str
    money: Money | None
    counted: bool
    counted_at: int
    owner: str
    team: str
    rule: str
    assignee: str
    assigned_by: str
    entity: str
    flow: str
    opened_at: datetime
    due_at: datetime
    snoozed_until: datetime | None
    resolved_at: datetime | None
    resolved_by: str
    resolution: str
    times: int
    state: str
    reopened: int
    wakes_on_change: bool
    escalated_to: str

    @property
    def label(self) -> str:
        return f"H-{self.id}"

    @property
    def href(self) -> str:
        return f"/holds/H-{self.id}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Holds that one fix ends, or a single one; `sums` counts each document once."""

    what: str
    cause: str
    rows: tuple[HoldRow, ...]
    sums: tuple[Money, ...]
    due_at: datetime
    rank: Decimal

    @property
    def documents(self) -> int:
        return sum(1 for each in self.rows if each.counted)


def hold_row(stored: Mapping[str, Any]) -> HoldRow:
    same = ("id", "title", "code", "cause", "owner", "assignee", "flow", "opened_at", "due_at", "snoozed_until",
            "resolved_at", "resolved_by", "resolution", "times", "state")  # fmt: skip
    return HoldRow(
        **{name: stored[name] for name in same},
        what=explained(stored).what,
        money=wording.money(stored["amount_minor"], stored["currency"]),
        counted=stored.get("counted", True),
        counted_at=stored.get("counted_at", stored["id"]),
        entity=stored["entity"] or "",
        team=stored.get("team", ""),
        rule=stored.get("rule", ""),
        assigned_by=stored.get("assigned_by", ""),
        reopened=stored.get("reopened", 0),
        wakes_on_change=stored.get("wakes_on_change", False),
        escalated_to=stored.get("escalated_to", ""),
    )


def explained(stored: Mapping[str, Any]) -> Explained:
    """The six answers of a stored hold, also when the catalogue of an older version knew more than today's."""
    facts = stored["facts"]
    try:
        found = explain(Problem(stored["code"], facts, stored.get("quote", "")))
        # Tables have technical names; a sentence says them in words.
        table = str(facts.get("table", ""))
        named = wording.words(table) if table else ""
        what, fix = found.what.replace(table, named), found.fix.replace(table, named)
        return replace(found, what=wording.opening(what), fix=fix) if table else found
    except (KeyError, ValueError):
        text = f"{stored['code']}: {', '.join(f'{name} {value}' for name, value in stored['facts'].items())}"
        fix = "Correct the record at its source, then replay."
        return Explained(
            text, "", stored.get("owner", ""), fix, str(stored["facts"].get("link", "")), timedelta(days=1)
        )


def by_cause(rows: Iterable[HoldRow], now: datetime) -> list[Cause]:
    """Gathered by cause; the cause with the most money due soonest first."""
    gathered: dict[str, list[HoldRow]] = {}
    for each in rows:
        gathered.setdefault(each.cause, []).append(each)
    causes = [_cause(cause, members, now) for cause, members in gathered.items()]
    return sorted(causes, key=lambda each: (-each.rank, each.due_at, each.rows[0].id))


def _cause(cause: str, members: Sequence[HoldRow], now: datetime) -> Cause:
    due_at = min(each.due_at for each in members)
    # A document's second problem has no money of its own in the sums, but it is no less urgent: it stands beside the first.
    worth = wording.sums(each.money for each in members)
    return Cause(members[0].what, cause, tuple(members), sum_of(members), due_at, urgency(worth, due_at, now))


def sum_of(rows: Iterable[HoldRow]) -> tuple[Money, ...]:
    return wording.sums(each.money for each in rows if each.counted)


def short_of(code: str) -> str:
    """A problem's code as a filter shows it."""
    return wording.words(code) if code in CATALOGUE else code
