"""Projects as Tryton's work tree: a task per role with its rate, and time booked on the work of each task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.contract import Claim, Guarantee, Operation, OutcomeUnknown, Receipt, Write
from tieout.connectors.tryton import lengths
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.client import Row
from tieout.connectors.tryton.handling import Handler, as_json, creating, standing, values_of
from tieout.connectors.tryton.telling import Attempt, reading, writing, written
from tieout.domain.documents.project import Project, ProjectTask

WORK = "project.work"
_STATUS = {"open": "work_open_status", "closed": "work_done_status"}


async def _prepare_create(books: Books, write: Write, attempt: Attempt) -> bytes:
    project = Project.model_validate(dict(write.body))
    company = await books.company()
    products = await books.products(each.role for each in project.tasks)
    departments = await books.departments([project.department] if project.department else [])
    missing = [
        f"Tryton has no service product for the role “{role}”"
        for role in sorted({each.role for each in project.tasks} - products.keys())
    ]
    if project.department and project.department not in departments:
        missing.append(f"Tryton has no account {project.department} in the dimension {books.config.analytic_root}")
    if project.currency != company.currency_code:
        missing.append(
            f"{company.name} keeps its books in {company.currency_code}, the project is in {project.currency}"
        )
    attempt.refuse(missing)
    shared = {"company": company.id}
    tasks = [{**_task(task, products[task.role]), **shared} for task in project.tasks]
    values: Row = {
        "number": project.key,
        "name": project.name,
        "type": "project",
        "party": int(write.ids["customer"]),
        "timesheet_available": False,
        "comment": _comment(project),
        "children": [["create", tasks]],
        **shared,
    }
    return await creating(books, WORK, [values])


async def _create(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    with writing(attempt):
        await books.client.send(request)
    with written(attempt):
        made = await under_number(books, values_of(request)[0]["number"])
    if made is None:
        raise OutcomeUnknown(f"{attempt.system}: {attempt.subject} vanished as soon as it was made")
    return made


async def _find(books: Books, write: Write) -> Receipt | None:
    return await under_number(books, write.subject)


async def under_number(books: Books, key: str) -> Receipt | None:
    """The project under its number, with the work that time is booked on, by task key."""
    fields = ["children.number", "children.timesheet_works"]
    row = await books.client.only(WORK, [["number", "=", key], ["type", "=", "project"]], fields)
    if row is None:
        return None
    parts = {each["number"]: str(each["timesheet_works"][0]) for each in row["children."] if each["timesheet_works"]}
    return Receipt(str(row["id"]), parts=dict(sorted(parts.items())))


async def _prepare_task(books: Books, write: Write, attempt: Attempt) -> bytes:
    """A task that a later version of the contract brought, beneath its project."""
    task = ProjectTask.model_validate(dict(write.body))
    company, products = await books.company(), await books.products([task.role])
    attempt.refuse([] if products else [f"Tryton has no service product for the role “{task.role}”"])
    values: Row = {**_task(task, products[task.role]), "parent": int(write.ids["project"]), "company": company.id}
    return await creating(books, WORK, [values])


def _task(task: ProjectTask, product: int) -> Row:
    return {
        "number": task.key, "name": task.name, "type": "task", "timesheet_available": True, "product": product,
        "list_price": task.rate, "effort_duration": timedelta(hours=float(task.hours)),
    }  # fmt: skip


async def _create_task(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    with writing(attempt):
        await books.client.send(request)
    with written(attempt):
        made = await _work_of(books, values_of(request)[0]["number"])
    if made is None:
        raise OutcomeUnknown(f"{attempt.system}: {attempt.subject} vanished as soon as it was made")
    return made


async def _find_task(books: Books, write: Write) -> Receipt | None:
    return await _work_of(books, write.subject)


async def _work_of(books: Books, key: str) -> Receipt | None:
    """What time is booked on, by the number of its task."""
    row = await books.client.only(WORK, [["number", "=", key], ["type", "=", "task"]], ["timesheet_works"])
    return Receipt(str(row["timesheet_works"][0])) if row and row["timesheet_works"] else None


async def _prepare_update(books: Books, write: Write, attempt: Attempt) -> bytes:
    """Raises LookupError for a state that a project does not have."""
    state = write.body["state"]
    if state not in _STATUS:
        raise LookupError(f"a project of Tryton is open or closed, not {state!r}")
    status = await books.client.call("model.ir.model.data.get_id", "project", _STATUS[state])
    progress = 1 if state == "closed" else None
    wanted: Row = {"record": int(write.ids["record"]), "values": {"status": status, "progress": progress}}
    if "project" in write.body:
        project = Project.model_validate(write.body["project"])
        wanted["comment"] = _comment(project)
        wanted["tasks"] = {each.key: {"hours": str(each.hours), "rate": str(each.rate)} for each in project.tasks}
    return as_json(wanted)


async def _update(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Opens or closes the project and all of its tasks; the tasks first, for a project is done when they are.

    With the project's own terms, its comment, hours and rates become those: it may have begun before they were signed.
    """
    wanted = json.loads(request)
    record: int = wanted["record"]
    with reading(attempt):
        rows = await books.client.search(WORK, [["id", "=", record]], ["children", "children.number"])
    attempt.refuse([] if rows else [f"Tryton has no project {record}"])
    with writing(attempt):
        await books.client.write(WORK, [*rows[0]["children"], record], wanted["values"])
        if "tasks" in wanted:
            await _agree(books, record, rows[0]["children."], wanted)
    return Receipt(str(record))


async def _agree(books: Books, record: int, tasks: Sequence[Row], wanted: Row) -> None:
    """Comment, hours and rates in one call, so that all of them are there or none."""
    pairs: list[Any] = [[record], {"comment": wanted["comment"]}]
    for task in tasks:
        agreed = wanted["tasks"].get(task["number"])
        if agreed is not None:
            hours = timedelta(hours=float(agreed["hours"]))
            pairs += [[task["id"]], {"effort_duration": hours, "list_price": Decimal(agreed["rate"])}]
    await books.client.call(f"model.{WORK}.write", *pairs)


HANDLERS = (
    Handler(
        Operation(
            "project.create",
            Guarantee.UNIQUE,
            "create the project",
            lengths=lengths.PROJECT,
            creates="project",
            money=Claim.UNTOUCHED,
            undo="close the project; while no time is booked on it, it can be deleted",
        ),
        _prepare_create,
        _create,
        _find,
    ),
    Handler(
        Operation(
            "task.create",
            Guarantee.UNIQUE,
            "add the task",
            lengths=lengths.TASK,
            creates="task",
            money=Claim.UNTOUCHED,
            undo="delete the task while no time is booked on it",
        ),
        _prepare_task,
        _create_task,
        _find_task,
    ),
    Handler(
        Operation(
            "project.update",
            Guarantee.UPSERT,
            "open or close the project",
            creates="",
            money=Claim.UNTOUCHED,
            undo="set the earlier status, hours and rates of the project and its tasks",
        ),
        _prepare_update,
        _update,
        standing(WORK),
    ),
)


def _comment(project: Project) -> str:
    """What the ERP has no field for, for whoever reads it there."""
    facts = {
        "Engagement": project.engagement,
        "Contract": "not signed yet" if project.at_risk else "",
        "Contract version": "" if project.at_risk else str(project.contract_version),
        "Budget": f"{Decimal(project.budget):,.2f} {project.currency}",
        "Rate card": project.rate_card,
        "Department": project.department,
        "Purchase order": project.po_number,
        "Project manager": project.project_manager,
        "Start": project.start.isoformat() if project.start else "",
        "End": project.end.isoformat() if project.end else "",
    }
    return "\n".join(f"{name}: {value}" for name, value in facts.items() if value)
