"""A cut-off of an engagement: what is decided of all that happened up to its last day, and the proposals that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from tieout.domain.charging.billing import Decision, above_caps, decide
from tieout.domain.charging.due import without_product
from tieout.domain.charging.near import near_caps
from tieout.domain.charging.pieces import LASTING
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.paying import SplitBilling, proposed, split_of
from tieout.domain.problems import Problem
from tieout.domain.projects import title
from tieout.domain.proposal import period_end
from tieout.domain.readiness import missing_for_billing
from tieout.domain.spanning import in_other_currencies
from tieout.engine.run import Run
from tieout.flows.charged import Charged, charged
from tieout.flows.crediting import to_credit
from tieout.flows.usage_records import check_usage_of
from tieout.systems.systems import Systems


@dataclass(frozen=True, slots=True)
class CutOff:
    """What is asked of an engagement: everything through the last day of a month (2026-10). Its project stands first."""

    deal: Engagement
    projects: Sequence[Project]
    contract: Contract
    period: str
    link: str

    @property
    def project(self) -> Project:
        return self.projects[0]

    @property
    def through(self) -> date:
        return period_end(self.period)


async def cut_off_of(systems: Systems, engagement: str, period: str) -> CutOff | None:
    """None where nothing was agreed."""
    register = systems.register
    deal, projects = await register.engagement(engagement), await register.projects_of(engagement)
    contract = await register.contract(engagement)
    if deal is None or not projects or contract is None:
        return None
    crm = systems.crm_of(projects[0].legal_entity)
    return CutOff(deal, projects, contract, period, crm.link(Ref(crm.name, "opportunity", deal.source_id)))


async def make_proposal(run: Run, systems: Systems, asked: CutOff, *, version: int = 1) -> list[Invoice]:
    """The proposal of a cut-off, an invoice for each project and payer, stored with its evidence before anybody else hears
    of it. Later versions come in place of drafts that were taken back.
    """
    if all(each.state != "active" for each in asked.projects):
        run.ignore(f"the project is {asked.project.state.replace('_', ' ')}")
    await check_usage_of(run, systems, asked.deal.key)
    while True:
        of, decision = await decided(run, systems, asked, version=version)
        if await run.step(
            "write what becomes of the work, and the proposal",
            systems.register.decide, asked.project, decision, of.dues, of.turns, systems.firm.consolidated,
        ):  # fmt: skip
            break  # else another engagement was billed beneath a limit of both meanwhile: decide again
    await _tell_of_limits(run, of, decision, asked)
    if decision.proposal is None:
        run.ignore("nothing to bill")
    return [each.invoice for each in decision.proposal.every]


async def decided(
    run: Run, systems: Systems, asked: CutOff, *, version: int = 1, but: Sequence[str] = ()
) -> tuple[Charged, Decision]:
    """What becomes of everything; the run is held where billing lacks something. The drafts of `but` count as not proposed."""
    deal, project, link = asked.deal, asked.project, asked.link
    of = await charged(systems, deal, asked.contract, asked.through, but=but)
    split = split_of(systems.firm.payers, of.deal)
    proposing = partial(
        proposed, split, deal, asked.projects, of.ledger.evidence, period=asked.period, today=run.today(),
        rounding=systems.firm.billing.rounding, version=version,
    )  # fmt: skip
    corrects: Mapping[tuple[str, str], Sequence[str]] = {}
    decision = decide(of.agreement, of.ledger, partial(proposing, corrects=corrects), beside=of.beside)
    if corrects := await to_credit(run, systems, of.ledger, decision):
        decision = decide(of.agreement, of.ledger, partial(proposing, corrects=corrects), beside=of.beside)
    amount = Money(decision.proposal.net, project.currency) if decision.proposal else None
    await run.about(
        title=f"{deal.name}, {asked.period}", entity=project.legal_entity, engagement=deal.key, amount=amount
    )
    if amount is not None or decision.problems:
        others = in_other_currencies(systems.firm.caps, of.deal, link=link)
        products = without_product(of.dues, link=link)
        unknown = await _unknown_payers(systems, split, asked)
        await run.hold([*missing_for_billing(deal, link=link), *unknown, *others, *products, *decision.problems])
    return of, decision


async def judge_anew(run: Run, systems: Systems, asked: CutOff) -> None:
    """Where the invoice of the period is there: what is above a limit is judged by the limits of now, and billed with the next."""
    of = await charged(systems, asked.deal, asked.contract, asked.through)
    decision = decide(of.agreement, of.ledger, lambda _: (None, []), beside=of.beside)
    # What lasts is decided with the next invoice.
    decision = replace(decision, pieces=[each for each in decision.pieces if each.fate not in LASTING])
    await run.step(
        "judge again what is not billed", systems.register.decide, asked.project, decision, of.dues, of.turns
    )
    await _tell_of_limits(run, of, decision, asked)


async def _tell_of_limits(run: Run, of: Charged, decision: Decision, asked: CutOff) -> None:
    name = title(asked.projects, asked.deal.name)
    above = above_caps(of.agreement, decision.pieces, project=name, link=asked.link)
    near = near_caps(of.agreement, of.ledger, decision.pieces, project=name, link=asked.link)
    await run.stand("time_to_invoice", f"{asked.deal.key}/caps", [*above, *near])


async def _unknown_payers(systems: Systems, split: SplitBilling | None, asked: CutOff) -> list[Problem]:
    """Payers of a share whom the ERP does not have."""
    erp = systems.erp(asked.project.legal_entity)
    names = [each.customer for each in split.payers] if split else []
    return [
        Problem(
            "billing.payer_unknown",
            {"payer": each, "deal": asked.deal.name, "system": erp.name, "link": asked.link},
        )
        for each in names
        if await erp.known_customer(each) is None
    ]
