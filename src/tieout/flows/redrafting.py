"""Drafts of a cut-off that nobody has touched follow what is beneath them: late time, revoked approvals, a new payer (T23)."""

from __future__ import annotations

from collections.abc import Sequence

from tieout.domain.documents.billing import Invoice
from tieout.domain.redrafting import is_current, version_of
from tieout.engine.run import Run
from tieout.flows.cut_off import CutOff, decided, make_proposal
from tieout.flows.invoice_report import report
from tieout.systems.drafts import Made
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems


async def redraft(run: Run, systems: Systems, asked: CutOff, made: Sequence[Made]) -> list[Invoice]:
    """The proposals of the next version, once those drafts are taken back that are not current any more; none where they are, or
    where they are finance's already.

    A draft that this run took back in an earlier life is made anew as well.
    """
    erp = systems.erp(asked.project.legal_entity)
    if not systems.firm.billing.refresh_drafts or not erp.takes_drafts_back:
        return []
    version = max(version_of(each.invoice.key) for each in made)
    newest = [each for each in made if version_of(each.invoice.key) == version]
    begun = [each for each in newest if each.state == "cancelled" and await erp.has_taken_back(each.invoice.key)]
    drafts = [each for each in newest if each.is_draft_alone]
    if drafts:
        of = await systems.drafts.evidence([each.invoice.key for each in drafts])
        _, decision = await decided(run, systems, asked, version=version + 1, but=[each.invoice.key for each in drafts])
        if begun or not is_current(decision.proposal, [each.invoice for each in drafts], of):
            begun += await _take_back(run, systems, erp, drafts)
    return await make_proposal(run, systems, asked, version=version + 1) if begun else []


async def _take_back(run: Run, systems: Systems, erp: Erp, drafts: Sequence[Made]) -> list[Made]:
    """Those that are off now: all, or none where finance has one of them; one may be posted in the moment before."""
    for each in drafts:
        # One that may be gone by our own hand is neither looked at nor asked about.
        if await erp.is_taking_back(each.invoice.key):
            continue
        there = await run.step(f"look at the draft {each.invoice.key}", erp.look_at_invoice, each.record)
        if there is None or there.record is None:
            return []  # whoever looks for drafts asks what becomes of its work
        if not systems.drafts.is_untouched(each.invoice, there.record):
            return []
    off: list[Made] = []
    for each in drafts:
        if await run.step(
            f"take the draft {each.invoice.key} back", erp.take_back_alone, each.invoice.key, record=each.record
        ):
            off.append(each)
            told = await systems.register.invoice_told(each.invoice.key)
            if told is not None and told["total"] is not None:  # sales and delivery have heard of it
                await report(run, systems, each.invoice, told)
    return off
