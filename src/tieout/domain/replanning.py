"""A project by the next version of its contract: tasks are added, changed and ended, and none ever loses its key."""

from __future__ import annotations

from decimal import Decimal

from tieout.domain.amending import task_of
from tieout.domain.contract_changes import sold_id
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.package import RateCard
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.terms import Sold, TimeTerms
from tieout.domain.firm import Firm
from tieout.domain.rating import rate_on


def replanned(
    project: Project, before: ContractVersion, after: ContractVersion, order: ChangeOrder, firm: Firm, card: RateCard
) -> Project:
    """What the order does to the project, once; a project of the new version is as it should be already."""
    if project.contract_version >= after.version:
        return project
    tasks = {each.key: each for each in project.tasks}
    sold = {each.id: each for each in after.sold}
    for line in order.lines:
        id_ = sold_id(order, line, before)
        task = task_of(project, id_, line.task)
        if line.action == "remove":
            ended = [task] if task else [each for each in project.tasks if each.sold == id_ and not line.task]
            tasks |= {each.key: each.model_copy(update={"open": False}) for each in ended}
        elif task is not None and line.hours is not None:
            tasks[task.key] = task.model_copy(update={"hours": line.hours})
    known = {each.id for each in before.sold}
    for name, role, hours, one in _added(project, before, after, order, firm):
        key = f"{project.key}/{len(tasks) + 1:02}"
        agreed = rate_on(card, role, max(after.effective_from, one.start or after.effective_from))
        rate = agreed.amount.amount if agreed else Decimal(0)
        terms = one.terms if isinstance(one.terms, TimeTerms) else TimeTerms()
        tasks[key] = ProjectTask(
            key=key, name=name, role=role, hours=hours, rate=rate, sold=one.id, increment=terms.increment,
            direction=terms.direction,
        )  # fmt: skip
    redated = any(each.start or each.end for each in order.lines) or any(each not in known for each in sold)
    starts, ends = [each.start for each in after.sold if each.start], [each.end for each in after.sold if each.end]
    return project.model_copy(
        update={
            "contract_version": after.version,
            "budget": after.amount,
            "tasks": tuple(tasks.values()),
            "start": min(starts, default=project.start) if redated else project.start,
            "end": max(ends, default=project.end) if redated else project.end,
        }
    )


def _added(
    project: Project, before: ContractVersion, after: ContractVersion, order: ChangeOrder, firm: Firm
) -> list[tuple[str, str, Decimal, Sold]]:
    """(name, role, hours, sale) of each task that is new, in the order of the lines."""
    found: list[tuple[str, str, Decimal, Sold]] = []
    first = project.tasks[0].sold if project.tasks else ""
    by_sale: dict[str, list[ChangeLine]] = {}
    for line in order.lines:
        if line.action == "add":
            by_sale.setdefault(sold_id(order, line, before), []).append(line)
    for one in after.sold:
        lines = by_sale.get(one.id, [])
        told = {each.task.casefold(): each for each in lines if each.task}
        prefix = "" if one.id == first else f"{one.description}: "
        package = firm.package(one.package) if one.id not in {each.id for each in before.sold} else None
        for template in package.tasks if package else ():
            line = told.pop(template.name.casefold(), None)
            hours = line.hours if line and line.hours is not None else template.hours
            found.append((prefix + template.name, template.role, hours, one))
        for line in told.values():
            if task_of(project, one.id, line.task) is None and line.hours is not None:
                found.append((prefix + line.task, line.role, line.hours, one))
    return found
