"""Projects by the next version of their contract: tasks are added, changed and ended, and none ever loses its key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from tieout.domain.amending import task_of
from tieout.domain.contract_changes import sold_id
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.package import RateCard
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.terms import Sold, TimeTerms
from tieout.domain.firm import Firm
from tieout.domain.projects import by_project
from tieout.domain.rating import rate_on


def replanned(
    projects: Sequence[Project],
    before: ContractVersion,
    after: ContractVersion,
    order: ChangeOrder,
    firm: Firm,
    card: RateCard,
    *,
    key: str,
    deal: str,
) -> list[Project]:
    """What the order does to the projects of an engagement, once; one of the new version is as it should be already.

    A new sale may bring a project of its own, or the deal's first one, whose `key` and name these are. All of them stand on
    the new version, whether the order speaks of them or not.
    """
    known = {each.key: each for each in projects}
    sales = by_project(after.sold, key)
    for each in [each for each in sales if each not in known]:
        known[each] = _begun(projects[0], each, sales[each], deal, {one.name for one in known.values()})
    only = len(known) == 1
    return [
        _replanned(project, sales.get(each, ()), before, after, order, firm, card, only=only)
        for each, project in known.items()
    ]


def _begun(beside: Project, key: str, sales: Sequence[Sold], deal: str, taken: Collection[str]) -> Project:
    """A project that the order brings, without its tasks yet: for whom and in which terms are those of the one beside it.

    Where a project of the deal has its name already, the name that the sale has in the quote stands behind it.
    """
    own = sales[0] if sales[0].project else None
    name = f"{deal}: {own.description}" if own else deal
    if own and name in taken:
        name = f"{name} ({own.id.partition('/')[2]})"
    return beside.model_copy(
        update={
            "key": key, "sold": own.id if own else "", "name": name,
            "package": sales[0].package, "state": "active", "tentative_until": None, "tasks": (),
            "start": min((each.start for each in sales if each.start), default=beside.start),
            "end": max((each.end for each in sales if each.end), default=beside.end),
        }
    )  # fmt: skip


def _replanned(
    project: Project,
    sales: Sequence[Sold],
    before: ContractVersion,
    after: ContractVersion,
    order: ChangeOrder,
    firm: Firm,
    card: RateCard,
    *,
    only: bool,
) -> Project:
    if project.contract_version >= after.version and project.tasks:
        return project
    tasks = {each.key: each for each in project.tasks}
    ours = {each.id for each in sales} | {each.sold for each in project.tasks}
    lines = [each for each in order.lines if sold_id(order, each, before) in ours]
    for line in lines:
        id_ = sold_id(order, line, before)
        task = task_of(project.tasks, id_, line.task)
        if line.action == "remove":
            ended = [task] if task else [each for each in project.tasks if each.sold == id_ and not line.task]
            tasks |= {each.key: each.model_copy(update={"open": False}) for each in ended}
        elif task is not None and line.hours is not None:
            tasks[task.key] = task.model_copy(update={"hours": line.hours})
    known = {each.id for each in before.sold}
    for name, role, hours, one in _added(project, sales, before, order, firm):
        key = f"{project.key}/{len(tasks) + 1:02}"
        agreed = rate_on(card, role, max(after.effective_from, one.start or after.effective_from))
        rate = agreed.amount.amount if agreed else Decimal(0)
        terms = one.terms if isinstance(one.terms, TimeTerms) else TimeTerms()
        tasks[key] = ProjectTask(
            key=key, name=name, role=role, hours=hours, rate=rate, sold=one.id, increment=terms.increment,
            direction=terms.direction,
        )  # fmt: skip
    redated = any(each.start or each.end for each in lines) or any(each.id not in known for each in sales)
    starts, ends = [each.start for each in sales if each.start], [each.end for each in sales if each.end]
    return project.model_copy(
        update={
            "contract_version": after.version,
            "budget": after.amount if only else sum((each.amount for each in sales), Decimal(0)),
            "tasks": tuple(tasks.values()),
            "start": min(starts, default=project.start) if redated else project.start,
            "end": max(ends, default=project.end) if redated else project.end,
        }
    )


def _added(
    project: Project, sales: Sequence[Sold], before: ContractVersion, order: ChangeOrder, firm: Firm
) -> list[tuple[str, str, Decimal, Sold]]:
    """(name, role, hours, sale) of each task that is new, in the order of the lines."""
    found: list[tuple[str, str, Decimal, Sold]] = []
    first = project.tasks[0].sold if project.tasks else sales[0].id
    by_sale: dict[str, list[ChangeLine]] = {}
    for line in order.lines:
        if line.action == "add":
            by_sale.setdefault(sold_id(order, line, before), []).append(line)
    for one in sales:
        lines = by_sale.get(one.id, [])
        told = {each.task.casefold(): each for each in lines if each.task}
        prefix = "" if one.id == first else f"{one.description}: "
        package = firm.package(one.package) if one.id not in {each.id for each in before.sold} else None
        for template in package.tasks if package else ():
            line = told.pop(template.name.casefold(), None)
            hours = line.hours if line and line.hours is not None else template.hours
            found.append((prefix + template.name, template.role, hours, one))
        for line in told.values():
            if task_of(project.tasks, one.id, line.task) is None and line.hours is not None:
                found.append((prefix + line.task, line.role, line.hours, one))
    return found
