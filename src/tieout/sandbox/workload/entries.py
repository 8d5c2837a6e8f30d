"""What people book and what becomes of it, in the order of month and person: entries, corrections, revocations, repetitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

from tieout.domain.identity import content_hash
from tieout.domain.money import Money
from tieout.domain.rating import entry_amount, rate_on
from tieout.sandbox.workload.firm import SimulatedFirm, SimulatedProject

Why = Literal["approved", "late", "corrected", "revoked", "approved again", "told twice"]
Dirt = Literal["", "time.rate_differs", "time.project_unknown", "time.task_unknown", "person.unknown"]
_DIRT: tuple[Dirt, ...] = ("time.rate_differs", "time.project_unknown", "time.task_unknown", "person.unknown")
# Of the entries of earlier weeks, this share is approved with the month's last ones and not on the Friday of their week.
_LEFT_TO_THE_END = 0.4
_APPROVER = "K000001"


@dataclass(frozen=True, slots=True)
class Told:
    """One state of an entry as the PSA tells it. `last` says that none comes after it, repetitions aside."""

    record: dict[str, Any]
    why: Why
    dirt: Dirt
    last: bool

    @property
    def worth(self) -> Money:
        """At the rate that the entry carries."""
        return entry_amount(
            self.record["billable_minutes"], Money(Decimal(self.record["rate"]), self.record["currency"])
        )


def told(firm: SimulatedFirm) -> Iterator[Told]:
    """Every state of every entry; each person's month has luck of its own, so that a part can be made without the rest."""
    for month in range(firm.shape.months):
        days = firm.shape.work_days(month)
        for person in range(firm.shape.consultants):
            yield from _month_of(firm, month, days, person)


def _month_of(firm: SimulatedFirm, month: int, days: list[date], person: int) -> Iterator[Told]:
    luck = Random(f"{firm.shape.seed}/{month}/{person}")  # noqa: S311 - luck, not secrecy
    mine = [firm.project(person % 5 + 5 * luck.randrange(firm.shape.projects // 5)) for _ in range(3)]
    number = 0
    for day in days:
        for minutes in luck.choice(((240, 240), (300, 120, 60), (180, 180, 120), (90, 150, 135, 105))):
            number += 1
            id_ = f"{month + 1:02}{person + 1:06}{number:03}"
            yield from _life(firm, luck, luck.choice(mine), id_, person, day, days[-1], minutes)


def _life(
    firm: SimulatedFirm,
    luck: Random,
    project: SimulatedProject,
    id_: str,
    person: int,
    day: date,
    end: date,
    minutes: int,
) -> Iterator[Told]:
    """An entry from its approval on. Exactly these draws, in this order: bytes depend on them."""
    shape = firm.shape
    late, corrected, revoked, twice, dirty = (
        luck.random() < share for share in (shape.late, shape.corrected, shape.revoked, shape.told_twice, shape.dirty)
    )
    task, dirt = luck.choice(project.tasks), luck.choice(_DIRT) if dirty else ""
    at = _approved_at(luck, day, end, late)
    rate = rate_on(project.card, task.role, day)
    assert rate is not None, f"{project.card.name} has no rate of a {task.role} on {day}"
    record: dict[str, Any] = {
        "source_id": id_, "project": project.workspace, "task": task.id, "person": firm.person(person),
        "person_name": f"Person {person + 1}", "work_date": str(day), "minutes": minutes, "billable_minutes": minutes,
        "rate": str(rate.amount.amount), "currency": project.card.currency, "state": "approved",
        "approved_by": _APPROVER, "approved_at": at.isoformat(), "notes": f"work {id_}",
    } | _dirt(dirt, project)  # fmt: skip
    states: list[tuple[datetime, dict[str, Any], Why]] = [(at, record, "late" if late else "approved")]
    if corrected:
        at += timedelta(hours=5)
        record = record | {"minutes": minutes - 15, "billable_minutes": minutes - 15, "approved_at": at.isoformat()}
        states.append((at, record, "corrected"))
    if revoked:
        at += timedelta(hours=3)
        states.append((at, record | {"state": "submitted", "approved_by": "", "approved_at": None}, "revoked"))
        if luck.random() < 0.5:
            at += timedelta(hours=20)
            states.append((at, record | {"approved_at": at.isoformat()}, "approved again"))
    for place, (moment, state, why) in enumerate(states, 1):
        yield Told(_versioned(state, moment), why, dirt, last=place == len(states))
    if twice:
        yield Told(_versioned(states[-1][1], states[-1][0]), "told twice", dirt, last=False)


def _approved_at(luck: Random, day: date, end: date, late: bool) -> datetime:
    """The Friday of the week, or the month's last work day, when most of it comes; what is late, in the next month."""
    friday, share = day + timedelta(days=4 - day.weekday()), luck.random()
    on = end if friday >= end or share < _LEFT_TO_THE_END else friday
    if late:
        on = end + timedelta(days=3 + luck.randrange(8))
    return datetime.combine(on, time(9 + luck.randrange(9), luck.randrange(60)), tzinfo=UTC)


def _dirt(dirt: Dirt, project: SimulatedProject) -> dict[str, str]:
    match dirt:
        case "time.rate_differs":
            return {"rate": "99.00"}
        case "time.project_unknown":
            return {"project": f"9{project.workspace}"}
        case "time.task_unknown":
            return {"task": f"9{project.workspace}"}
        case "person.unknown":
            return {"person": "X000001"}
        case "":
            return {}


def _versioned(record: dict[str, Any], moment: datetime) -> dict[str, Any]:
    version = f"{moment:%Y-%m-%dT%H:%M:%SZ}#{content_hash(record)[:16]}"
    return {**record, "source_version": version, "mapping": "kantata.time_entry@1"}
