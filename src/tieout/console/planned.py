"""A replay plan as pages show it: its head, what it changes in which system, and each of its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.console import wording
from tieout.console.technical import run_href
from tieout.domain.money import Money
from tieout.domain.plan import PlannedItem, Sums


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan in a list and at the head of its page. `money` is that of its documents, by currency."""

    id: int
    what: str
    how: str
    state: str
    word: str
    tone: str
    reason: str
    documents: int
    money: tuple[Money, ...]
    made_by: str
    made_at: datetime
    needs_approval: str
    approved_by: str
    confirmed_by: str
    confirmed_at: datetime | None
    ended_at: datetime | None
    hash: str
    again: str

    @property
    def label(self) -> str:
        return f"P-{self.id}"

    @property
    def href(self) -> str:
        return f"/plans/P-{self.id}"

    @property
    def ended_by(self) -> str:
        """Who stopped or discarded it."""
        return self.reason.removeprefix("by ")

    @property
    def waits(self) -> bool:
        """For a second person's word."""
        return self.state == "open" and bool(self.needs_approval) and not self.approved_by


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of change in one system; `forever` when nothing takes it back."""

    act: str
    word: str
    tone: str
    count: int
    does: str
    connection: str
    forever: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a document."""

    word: str
    tone: str
    does: str
    connection: str
    operation: str
    subject: str
    content: str
    guarantee: str
    promise: str
    forever: bool
    money: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document of the hub, old and new."""

    document: str
    href: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document of a plan: what it would do, and what became of it. `holds` are those of its run that are open."""

    position: int
    run: str
    run_href: str
    title: str
    entity: str
    money: Money | None
    state: str
    tone: str
    notes: tuple[str, ...]
    outcome: str
    writes: int
    fields: int
    differs: tuple[str, ...]
    holds: tuple[int, ...]
    document: str
    subject: str
    changes: tuple[Change, ...]
    edits: tuple[Field, ...]
    starts: tuple[str, ...]


def plan_row(stored: Mapping[str, Any], items: int, worth: Sequence[Mapping[str, Any]]) -> PlanRow:
    same = ("id", "what", "state", "reason", "made_by", "made_at", "needs_approval", "confirmed_by", "confirmed_at",
            "ended_at", "hash", "again")  # fmt: skip
    word, tone = wording.PLANS[stored["state"]]
    if stored["state"] == "open" and stored["needs_approval"] and not stored["approved_by"]:
        word = "waits for approval"
    return PlanRow(
        **{name: stored[name] for name in same},
        word=word,
        tone=tone,
        how=wording.HOWS[stored["how"]],
        documents=items,
        money=wording.sums(
            wording.amount(each["amount"], each["currency"]) for each in worth if each["plan"] == stored["id"]
        ),
        approved_by=stored["approved_by"] or "",
    )


def lines_of(sums: Sums) -> tuple[Line, ...]:
    """What will be created, updated, asked and left, in this order."""
    acts = list(wording.ACTS)
    lines: list[Line] = []
    for key in sorted(sums.lines, key=lambda each: (acts.index(each.split("|")[0]), each)):
        act, connection, does = key.split("|", 2)
        forever = act != "skip" and f"{connection}|{does}" in sums.irreversible
        lines.append(Line(act, *wording.ACTS[act], sums.lines[key], does, connection, forever))
    return tuple(lines)


def systems_of(sums: Sums) -> int:
    """Systems in which something would change."""
    return len({key.split("|", 2)[1] for key in sums.lines if not key.startswith("skip|")})


def amounts(by_currency: Mapping[str, str]) -> tuple[Money, ...]:
    return wording.sums(Money(Decimal(amount), currency) for currency, amount in by_currency.items())


def takes(sums: Sums) -> str:
    return f"about {wording.lasting(timedelta(seconds=max(1, round(sums.seconds))))}" if sums.seconds else "no time"


def document_row(stored: Mapping[str, Any], holds: Sequence[Mapping[str, Any]]) -> DocumentRow:
    """An item of a plan; one that was not looked at yet shows its run alone."""
    engagement = stored["engagement"]
    found = PlannedItem.model_validate(stored["content"]) if stored["content"] else None
    state, tone = _state(stored["state"], found)
    return DocumentRow(
        position=stored["position"],
        run=stored["run_id"],
        run_href=run_href(stored["run_id"]),
        title=(found.title if found else "") or stored["run_id"],
        entity=(found.entity if found else "") or "",
        money=wording.amount(found.amount, found.currency) if found else None,
        state=state,
        tone=tone,
        notes=tuple(each for each in (*found.problems, found.why) if each) if found else (),
        outcome=stored["outcome"],
        writes=sum(1 for each in found.writes if each.act != "skip") if found else 0,
        fields=sum(len(each.changes) for each in found.documents) if found else 0,
        differs=found.differs if found else (),
        holds=tuple(each["id"] for each in holds if each["run_id"] == stored["run_id"]),
        document=f"/documents/engagement/{engagement}" if engagement else "",
        subject=found.subject if found else "",
        changes=_changes(found) if found else (),
        edits=_edits(found) if found else (),
        starts=found.starts if found else (),
    )


def _state(state: str, found: PlannedItem | None) -> tuple[str, str]:
    if state == "planned":
        return wording.ENDS[found.end] if found else ("being looked at", "calm")
    return ("at work" if state == "released" else state), wording.tone(state)


def _changes(found: PlannedItem) -> tuple[Change, ...]:
    return tuple(
        Change(
            *wording.ACTS[each.act],
            does=each.does,
            connection=each.connection,
            operation=each.operation,
            subject=each.subject,
            content=each.content,
            guarantee=each.guarantee,
            promise=wording.GUARANTEES[each.guarantee],
            forever=each.act != "skip" and not each.undo,
            money=each.money and each.act != "skip",
        )
        for each in found.writes
    )


def _edits(found: PlannedItem) -> tuple[Field, ...]:
    return tuple(
        Field(f"{wording.words(each.kind)} {each.key}", f"/documents/{each.kind}/{each.key}", change.field, change.before,
              change.after)
        for each in found.documents
        for change in each.changes
    )  # fmt: skip
