"""Every day the drafts are looked for in the ERP: one that finance deleted must not keep its work from being billed, and one
beneath which something has changed is judged anew (flows/redrafting.py)."""

from __future__ import annotations

from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems

RELEASE = "release"


@flow(version=1, title="Drafts in the ERP are still there", errand="billing")
async def drafts_still_there(run: Run, systems: Systems) -> None:
    erp = systems.erp(run.subject)
    await run.about(title=f"drafts of {run.subject}", entity=run.subject)
    problems: list[Problem] = []
    for draft in await systems.drafts.of(erp.name):
        if await erp.is_taking_back(draft["key"]):
            continue
        if await run.step(f"look for {draft['key']}", erp.look_at_invoice, draft["record_id"]) is not None:
            continue
        if await run.decision(f"invoice.vanished:{draft['key']}") == RELEASE:
            await run.step(f"release the work of {draft['key']}", systems.drafts.withdraw, draft["key"])
            continue
        amount = Money(draft["net"], draft["currency"])
        facts = {"invoice": draft["key"], "amount": str(amount), "link": f"/x/{draft['key']}", "about": draft["key"]}
        problems.append(Problem("invoice.vanished", facts, amount=amount))
    if systems.firm.billing.refresh_drafts:
        for each in await systems.drafts.outdated(erp.name):
            subject, of = f"{each['engagement']}/{each['period']}", each["engagement"]
            await run.start("time_to_invoice", subject, f"since {each['mark']}", lane=of, engagement=of)
    await run.hold(problems)
