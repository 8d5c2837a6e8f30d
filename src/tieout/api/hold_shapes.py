"""The forms of a hold: what is told of it, and what its verbs are given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from tieout.api.shapes import Amount, Line, amount_of_minor, picked
from tieout.domain.problems import Explained, Problem, explain


class Hold(BaseModel):
    """A hold with its six answers: what, why, owner, fix, where, and by when (`due_at`)."""

    id: str = Field(examples=["H-20401"])
    state: Literal["open", "resolved"]
    title: str
    code: str
    what: str
    why: str
    owner: str
    fix: str
    where: str
    quote: str = Field(description="The system's own words, where it said any")
    facts: dict[str, str]
    amount: Amount | None
    entity: str | None
    engagement: str | None
    flow: str
    subject: str
    run_id: str
    cause: str = Field(description="Equal for all holds that one fix ends")
    team: str = Field(description="The team that the firm's rules give it to; empty where no rule fits")
    rule: str
    assignee: str
    assigned_by: str = Field(
        description="Who gave it to the assignee by hand: no rule overrules that. Empty for a rule"
    )
    opened_at: datetime = Field(description="When it opened, or came back for the last time")
    first_opened_at: datetime
    reopened: int = Field(description="How often it came back after it was resolved")
    due_at: datetime
    snoozed_until: datetime | None
    wakes_on_change: bool = Field(description="Whether it also wakes when its source changes")
    escalated_to: str = Field(description="Who was told last that it is overdue")
    times: int = Field(description="How often it came up")
    resolved_at: datetime | None
    resolved_by: str
    resolution: str


class Reason(BaseModel):
    """Why: it stays in the books."""

    reason: Line


class Assignment(BaseModel):
    """Who takes care of it."""

    assignee: Line


class Snooze(BaseModel):
    """Out of sight for some days, or until its source changes, which has an end too."""

    days: int = Field(default=0, ge=0, le=365)
    until_changed: bool = False

    @property
    def said(self) -> dict[str, Any]:
        """As the operator's verb takes it."""
        return {"days": self.days, "until_changed": self.until_changed}


def hold_of(row: dict[str, Any]) -> Hold:
    said = explained(row)
    return picked(
        Hold,
        row,
        id=f"H-{row['id']}",
        amount=amount_of_minor(row),
        what=said.what,
        why=said.why,
        fix=said.fix,
        where=said.where,
    )


def explained(row: dict[str, Any]) -> Explained:
    """The six answers; for a code that today's catalogue does not have any more, what the hold itself says."""
    try:
        return explain(Problem(row["code"], row["facts"], row["quote"]))
    except (KeyError, ValueError):
        return Explained(row["title"], "", row["owner"], "", "", timedelta(0))
