"""Where a system shows another version of a contract than the one that is agreed, somebody hears of it (T34)."""

from __future__ import annotations

from tieout.domain.identity import Ref
from tieout.domain.problems import Problem
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems


@flow(version=1, title="Contract versions in every system")
async def contract_versions(run: Run, systems: Systems) -> None:
    """Comes behind the change order in its lane: what that carried is no difference any more."""
    engagement, register = run.subject, systems.register
    deal, contract = await register.engagement(engagement), await register.contract(engagement)
    projects = await register.projects_of(engagement)
    if deal is None or contract is None or not projects:
        run.ignore("nothing was agreed for this engagement")
    await run.about(title=deal.name, entity=contract.legal_entity, engagement=engagement)
    crm = systems.crm_of(contract.legal_entity)
    link = crm.link(Ref(crm.name, "opportunity", deal.source_id))
    own = {each.key for each in projects if each.sold}
    problems = [
        Problem(
            "contract.version_differs",
            {
                "system": each["connection"], "shown": str(each["version"]), "version": str(each["agreed"]),
                "deal": each["name"] or deal.name, "order": contract.current.order, "link": link,
                "about": f"{engagement} {each['connection']}" + (f" {each['project']}" if each["project"] in own else ""),
            },
        )
        for each in await register.versions(engagement)
        if each["version"] != each["agreed"]
    ]  # fmt: skip
    if not problems:
        run.ignore("every system shows what is agreed")
    run.warn(problems)
