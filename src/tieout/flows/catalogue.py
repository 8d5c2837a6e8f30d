"""Every flow of the house, and those that the calendar starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.domain.proposal import due_period, period_end
from tieout.engine.rounds import Start
from tieout.engine.run import Flow
from tieout.flows.account_merge import account_merge
from tieout.flows.approved_expenses import approved_expenses
from tieout.flows.approved_time import approved_time
from tieout.flows.change_order import change_order
from tieout.flows.consolidated_invoice import consolidated_invoice, to_draft
from tieout.flows.consolidated_news import share_of_invoice
from tieout.flows.contract_versions import contract_versions
from tieout.flows.crediting import credit_and_rebill
from tieout.flows.drafts_still_there import drafts_still_there
from tieout.flows.hold_status import hold_status
from tieout.flows.invoice_to_crm_and_psa import invoice_to_crm_and_psa
from tieout.flows.milestones import milestones
from tieout.flows.opportunity_to_project import opportunity_to_project
from tieout.flows.time_to_erp import time_to_erp
from tieout.flows.time_to_invoice import time_to_invoice
from tieout.flows.usage_records import usage_records
from tieout.flows.waiting_time import waiting_time
from tieout.store import charging, contracts, holds, projects, time
from tieout.store.database import Tx

FLOWS: Sequence[Flow] = (
    opportunity_to_project,
    account_merge,
    change_order,
    contract_versions,
    approved_time,
    waiting_time,
    approved_expenses,
    milestones,
    usage_records,
    time_to_erp,
    time_to_invoice,
    consolidated_invoice,
    invoice_to_crm_and_psa,
    share_of_invoice,
    credit_and_rebill,
    drafts_still_there,
    hold_status,
)


async def due(tx: Tx, firm: Firm, today: date) -> list[Start]:
    """What the calendar asks for today; asking again gives the same runs, and each is queued once."""
    period = due_period(firm.billing.days_after, today)
    starts: list[Start] = []
    for each in await contracts.differing(tx):
        state = f"{each['agreed']} agreed, {each['shown']}"
        starts.append(Start(contract_versions.name, each["engagement"], state, each["engagement"], each["engagement"]))
    for over in await projects.terms_over(tx, today):
        subject = str(Ref(over["connection"], "opportunity", over["record_id"]))
        term = f"unsigned on {over['tentative_until']}"
        starts.append(Start("opportunity_to_project", subject, term, over["engagement"], over["engagement"]))
    if any(firm.shows_holds(name) for name, each in firm.connections.items() if each.role == "psa"):
        for each in await holds.changed(tx, hold_status.name):
            starts.append(
                Start(hold_status.name, each["engagement"], str(each["change"]), each["engagement"], each["engagement"])
            )
    asked: set[tuple[str, str]] = set()
    for entity in firm.entities:
        worked = await time.engagements_to_bill(tx, entity.code, period_end(period), period)
        fees = await charging.engagements_with_fees(tx, entity.code, period)
        spent = await charging.engagements_with_expenses(tx, entity.code, period_end(period), period)
        for engagement in dict.fromkeys([*worked, *fees, *spent]):
            starts.append(Start("time_to_invoice", f"{engagement}/{period}", "1", engagement, engagement))
            asked.add((entity.code, period))
        starts.append(Start("drafts_still_there", entity.code, str(today), f"drafts/{entity.code}"))
    return [*starts, *await to_draft(tx, firm, but=asked)]
