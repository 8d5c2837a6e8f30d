"""From a deal and a service package to a project: tasks, roles, rates and budget, as contract version 1 agrees them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tieout.domain.agreeing import agreed
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.package import RateCard
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.money import Money
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


def plan_project(
    deal: Engagement, contract: ContractVersion, enriched: Enriched, card: RateCard, *, key: str
) -> Project:
    """One task per task of the package, with the hours that the deal sold for it; rates come from the card."""
    start = deal.start or contract.effective_from
    sold = {(line.task or line.description).casefold(): line for line in contract.lines}
    tasks: list[ProjectTask] = []
    for number, template in enumerate(enriched.package.tasks, 1):
        line = sold.get(template.name.casefold())
        agreed = rate_on(card, template.role, start)
        tasks.append(
            ProjectTask(
                key=f"{key}/{number:02}",
                name=template.name,
                role=template.role,
                hours=line.hours if line and line.hours else template.hours,
                rate=agreed.amount.amount if agreed else Decimal(0),
                billable=template.billable,
                sold=contract.sold[0].id if contract.sold else "",
            )
        )
    return Project(
        key=key,
        engagement=deal.key,
        name=deal.name,
        customer=(deal.bill_to or deal.customer).key,
        legal_entity=enriched.entity,
        currency=deal.currency,
        department=enriched.department,
        tax_class=enriched.tax_class,
        contract_version=contract.version,
        budget=contract.amount,
        rate_card=enriched.rate_card,
        start=deal.start,
        end=deal.end,
        po_number=deal.po_number,
        project_manager=deal.project_manager,
        package=enriched.package.key,
        tasks=tuple(tasks),
    )


def first_sold(engagement: str) -> str:
    """The id of the package that a deal without a quote is."""
    return f"{engagement}/01"


def _terms(deal: Engagement, enriched: Enriched, *, version: int, effective_from: date) -> ContractVersion:
    start = deal.start or effective_from
    sold, caps = agreed(
        enriched.package,
        id_=first_sold(deal.key),
        amount=Money(deal.amount or Decimal(0), deal.currency),
        hours=sum((each.hours for each in deal.lines), Decimal(0))
        or sum((each.hours for each in enriched.package.tasks), Decimal(0)),
        start=start,
        end=max(start, deal.end or start),
    )
    return ContractVersion(
        version=version,
        effective_from=effective_from,
        amount=deal.amount or Decimal(0),
        currency=deal.currency,
        lines=deal.lines,
        payment_terms=deal.payment_terms,
        rate_card=enriched.rate_card,
        sold=(sold,),
        caps=caps,
    )
