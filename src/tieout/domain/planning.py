"""From a deal and a service package to a project: tasks, roles, rates and budget, as contract version 1 agrees them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal

from tieout.domain.agreeing import agreed
from tieout.domain.documents.engagement import Contract, ContractLine, ContractVersion, Engagement
from tieout.domain.documents.package import PackageTask, RateCard, ServicePackage
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.terms import Cap, Sold, TimeTerms
from tieout.domain.expensing import folded_terms
from tieout.domain.instances import Instance, instances_of, is_quoted
from tieout.domain.money import Money
from tieout.domain.projects import by_project, own_project
from tieout.domain.rating import rate_on
from tieout.domain.readiness import Enriched


def first_contract(deal: Engagement, enriched: Enriched, *, effective_from: date) -> Contract:
    """The baseline that a won deal becomes; later edits of the deal do not change it (T05)."""
    baseline = _terms(deal, enriched, version=1, effective_from=effective_from)
    return Contract(
        key=deal.key,
        engagement=deal.key,
        customer=(deal.bill_to or deal.customer).key,
        legal_entity=enriched.entity,
        versions=(baseline,),
    )


def unsigned_terms(deal: Engagement, enriched: Enriched, *, effective_from: date) -> ContractVersion:
    """What a tentative project is planned by while there is no contract: version 0, which nobody has signed (T06)."""
    return _terms(deal, enriched, version=0, effective_from=effective_from)


def plan_projects(
    deal: Engagement, contract: ContractVersion, enriched: Enriched, card: RateCard, *, key: str
) -> list[Project]:
    """The project of the deal, by `key`, and one for each sale that has its own.

    One task per task of each package, with the hours that the deal sold for it; rates come from the card. What the deal is
    worth is the budget of its only project; several have what their sales are.
    """
    return [
        _project(deal, contract, enriched, card, key=each, sales=sales)
        for each, sales in by_project(contract.sold, key).items()
    ]


def _project(
    deal: Engagement, contract: ContractVersion, enriched: Enriched, card: RateCard, *, key: str, sales: Sequence[Sold]
) -> Project:
    own = sales[0] if sales[0].project else None
    whole = len(sales) == len(contract.sold)
    return Project(
        key=key,
        engagement=deal.key,
        sold=own.id if own else "",
        name=f"{deal.name}: {own.description}" if own else deal.name,
        customer=(deal.bill_to or deal.customer).key,
        legal_entity=enriched.entity,
        currency=deal.currency,
        department=enriched.department,
        tax_class=enriched.tax_class,
        contract_version=contract.version,
        budget=contract.amount if whole else sum((each.amount for each in sales), Decimal(0)),
        rate_card=enriched.rate_card,
        start=own.start if own else deal.start,
        end=own.end if own else deal.end,
        po_number=deal.po_number,
        project_manager=deal.project_manager,
        package=sales[0].package,
        tasks=_tasks(deal, contract, enriched, card, key, {each.id for each in sales}),
    )


def _tasks(
    deal: Engagement, contract: ContractVersion, enriched: Enriched, card: RateCard, key: str, sales: Collection[str]
) -> tuple[ProjectTask, ...]:
    tasks: list[ProjectTask] = []
    for sold, (_, work) in zip(contract.sold, work_of(deal, enriched), strict=True):
        if sold.id not in sales:
            continue
        rounding = sold.terms if isinstance(sold.terms, TimeTerms) else TimeTerms()
        begins = sold.start or deal.start or contract.effective_from
        for each in work:
            agreed_rate = rate_on(card, each.role, begins)
            tasks.append(
                ProjectTask(
                    key=f"{key}/{len(tasks) + 1:02}",
                    name=each.name,
                    role=each.role,
                    hours=each.hours,
                    rate=agreed_rate.amount.amount if agreed_rate else Decimal(0),
                    billable=each.billable,
                    sold=sold.id,
                    increment=rounding.increment,
                    direction=rounding.direction,
                )
            )
    return tuple(tasks)


def work_of(deal: Engagement, enriched: Enriched) -> list[tuple[Instance, list[PackageTask]]]:
    """The tasks of each package, in the order of the quote.

    Those of the first in a project have the names of its template, the others' names say whose they are.
    """
    found: list[tuple[Instance, list[PackageTask]]] = []
    begun: set[str] = set()
    for instance, title in _titled(deal, enriched):
        package = enriched.package_of(instance)
        project = own_project(package, instance.id)
        work = _work(instance, package, quoted=is_quoted(deal))
        if project in begun:
            work = [each.model_copy(update={"name": f"{title}: {each.name}"}) for each in work]
        begun.add(project)
        found.append((instance, work))
    return found


def _titled(deal: Engagement, enriched: Enriched) -> list[tuple[Instance, str]]:
    """Each instance with the name of its package, numbered where it was sold more than once."""
    instances = instances_of(deal)
    names = [enriched.package_of(each).name for each in instances]
    return [
        (each, f"{name} {names[: place + 1].count(name)}" if names.count(name) > 1 else name)
        for place, (each, name) in enumerate(zip(instances, names, strict=True))
    ]


def _work(instance: Instance, package: ServicePackage, *, quoted: bool) -> list[PackageTask]:
    """The template's tasks with the hours that were sold, then what a quote sold beside them."""
    sold: dict[str, list[ContractLine]] = {}
    for line in instance.lines:
        sold.setdefault((line.task or line.description).casefold(), []).append(line)
    tasks: list[PackageTask] = []
    for template in package.tasks:
        hours = sum((each.hours for each in sold.pop(template.name.casefold(), [])), Decimal(0))
        tasks.append(template.model_copy(update={"hours": hours}) if hours else template)
    for lines in sold.values() if quoted else ():
        first, hours = lines[0], sum((each.hours for each in lines), Decimal(0))
        if first.role and hours:
            tasks.append(PackageTask(name=first.task or first.description, role=first.role, hours=hours))
    return tasks


def _terms(deal: Engagement, enriched: Enriched, *, version: int, effective_from: date) -> ContractVersion:
    sold: list[Sold] = []
    caps: list[Cap] = []
    for instance, title in _titled(deal, enriched):
        package = enriched.package_of(instance)
        start = instance.start or deal.start or effective_from
        one, limits = agreed(
            package,
            id_=instance.id,
            amount=Money(instance.amount, deal.currency),
            hours=sum((each.hours for each in instance.lines), Decimal(0))
            or sum((each.hours for each in package.tasks), Decimal(0)),
            start=start,
            end=max(start, instance.end or start),
            description=title,
            region=instance.region,
            by_role=instance.hours,
            quantity=instance.quantity,
        )
        sold.append(one)
        caps += limits
    return ContractVersion(
        version=version,
        effective_from=effective_from,
        amount=deal.amount or Decimal(0),
        currency=deal.currency,
        lines=deal.lines,
        payment_terms=deal.payment_terms,
        rate_card=enriched.rate_card,
        sold=tuple(sold),
        caps=tuple(caps),
        expenses=folded_terms(enriched.package_of(each).expenses for each in instances_of(deal)),
    )
