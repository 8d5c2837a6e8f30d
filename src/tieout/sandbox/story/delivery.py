"""The delivery leads: they look for projects without people, put people on the tasks, and decide over submitted time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tieout.sandbox.firm import Colleague, KestrelFirm, Task
from tieout.sandbox.story.desks import WorkDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Kantata"


@dataclass(frozen=True, slots=True)
class Objection:
    """The first timesheet of a person that is decided on this day or later is not simply approved."""

    since: date
    person: str
    verb: str
    words: str


OBJECTIONS: Sequence[Objection] = (
    Objection(date(2026, 10, 16), "K004", "reject", "Monday belongs to the workshop, please correct the time."),
    Objection(date(2026, 10, 23), "K105", "reject", "Please say what was done on each of the days."),
)
# An approval that turns out to be wrong some days later: one before anything was billed, one after October was.
REVOCATIONS: Sequence[Objection] = (
    Objection(date(2026, 10, 21), "K003", "cancel", "An hour of this was the firm's own meeting, please correct it."),
    Objection(date(2026, 11, 5), "K103", "cancel", "One of the workshops took an hour less, please correct it."),
)


class Delivery:
    """Each entity's lead; nobody approves their own time, so the lead's is approved by the partner."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, WorkDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal
        self._tasks = {task.name: (task, package.practice) for package in firm.packages for task in package.tasks}

    # -- staffing

    async def staff(self, today: date, entity: str) -> None:
        """Put somebody on every task that nobody is assigned to."""
        lead = self._firm.lead(entity)
        desk = self._desks[lead.number]
        for project in await projects_of(desk, self._firm.entity(entity).currency):
            tasks = await desk.all("stories", workspace_id=project["id"], include="assignees")
            bare = [each for each in tasks if not each["assignee_ids"] and _named(each) in self._tasks]
            chosen = {each["id"]: self._choose(entity, *self._tasks[_named(each)]) for each in bare}
            await self._let_in(desk, project, [each for each in chosen.values() if each])
            for task, person in chosen.items():
                if person is not None:
                    assignee = await self._desks[person.number].me()
                    await desk.create("assignments", "assignment", {"story_id": task, "assignee_id": assignee})
            names = sorted({each.name for each in chosen.values() if each})
            if names:
                what = f"{project['title']} with {', '.join(names)}"
                self._journal.write(
                    f"staffed/{project['id']}/{today}", lead.name, "staffed", what, _WHERE, project["id"]
                )

    async def _let_in(self, desk: WorkDesk, project: Mapping[str, Any], people: Sequence[Colleague]) -> None:
        present = {each["user_id"] for each in await desk.all("participations", workspace_id=project["id"])}
        for person in people:
            user = await self._desks[person.number].me()
            if user not in present:
                present.add(user)
                facts = {"workspace_id": project["id"], "user_id": user, "role": "consultant"}
                await desk.create("participations", "participation", facts)

    def _choose(self, entity: str, task: Task, practice: str) -> Colleague | None:
        """Somebody of the entity in the role of the task, from the task's practice if there is one."""
        able = [each for each in self._firm.people if each.entity == entity and each.role == task.role]
        able.sort(key=lambda each: (each.practice != practice, each.number))
        return able[0] if able else None

    # -- approval

    async def decide(self, today: date, entity: str) -> None:
        """Every timesheet that waits, and one that was decided wrongly."""
        lead = self._firm.lead(entity)
        people = {await self._desks[each.number].me(): each for each in self._firm.people if each.entity == entity}
        await self._revoke(today, entity, people)
        waiting = await self._desks[lead.number].all("timesheet_submissions", statuses="new")
        for timesheet in sorted(waiting, key=lambda each: int(each["id"])):
            if person := people.get(timesheet["user_id"]):
                await self._resolve(today, person, timesheet)

    def _approver(self, person: Colleague) -> Colleague:
        lead = self._firm.lead(person.entity)
        return lead if person != lead else self._firm.seller(person.entity)

    async def _resolve(self, today: date, person: Colleague, timesheet: Mapping[str, Any]) -> None:
        approver = self._approver(person)
        desk = self._desks[approver.number]
        what = f"the time of {person.name}, “{timesheet['title']}”"
        for objection in OBJECTIONS:
            key = f"objection/{objection.person}/{objection.since}"
            if objection.person == person.number and objection.since <= today and not self._journal.done(key):
                await desk.resolve(timesheet["id"], objection.verb, objection.words)
                self._journal.write(key, approver.name, "rejected", what, _WHERE, timesheet["id"])
                return
        await desk.resolve(timesheet["id"], "approve", "Approved.")
        self._journal.write(f"approved/{timesheet['id']}", approver.name, "approved", what, _WHERE, timesheet["id"])

    async def _revoke(self, today: date, entity: str, people: Mapping[str, Colleague]) -> None:
        users = {each.number: user for user, each in people.items()}
        for wrong in REVOCATIONS:
            key = f"revocation/{wrong.person}/{wrong.since}"
            person = self._firm.person(wrong.person)
            if wrong.since > today or person.entity != entity or self._journal.done(key):
                continue
            approver = self._approver(person)
            desk = self._desks[approver.number]
            approved = await desk.all("timesheet_submissions", statuses="approved", user_ids=users[wrong.person])
            if approved:
                newest = max(approved, key=lambda each: int(each["id"]))
                await desk.resolve(newest["id"], wrong.verb, wrong.words)
                what = f"the approval of {person.name}'s time, “{newest['title']}”"
                self._journal.write(key, approver.name, "cancelled", what, _WHERE, newest["id"])


def _named(task: Mapping[str, Any]) -> str:
    """As its package names it: a task of a project's second package says before its own name whose it is."""
    return str(task["title"]).rpartition(": ")[2]


async def projects_of(desk: WorkDesk, currency: str) -> list[dict[str, Any]]:
    """Projects that are worked on, in the currency of an entity, the oldest first."""
    found = await desk.all("workspaces", include="participants")
    mine = [each for each in found if each["currency"] == currency]
    return sorted(mine, key=lambda each: int(each["id"]))
