"""A deal that was won is won no longer: nothing is deleted; unused projects close, used ones stop and ask (T03)."""

from __future__ import annotations

from typing import cast

from tieout.connectors.contract import Reading
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.engine.run import Run
from tieout.flows.kickoff import on
from tieout.systems.systems import Systems


async def withdraw(run: Run, systems: Systems, ref: Ref, reading: Reading | None, contract: Contract | None) -> None:
    """Stops the projects in both systems; where people have worked on one, a person decides how it ends."""
    assert contract is not None
    projects = await systems.register.projects_of(contract.engagement)
    if not projects:
        run.ignore("the deal is not won, and its project was never planned")
    amount = Money(contract.current.amount, contract.current.currency)
    await run.about(title=projects[0].name, entity=contract.legal_entity, engagement=contract.engagement, amount=amount)
    minutes = 0
    for each in projects:
        worked, _ = await systems.register.at_risk(each.key)
        minutes += worked
        project = each.model_copy(update={"state": "on_hold" if worked else "archived"})
        await systems.register.save(project, entity=project.legal_entity, engagement=contract.engagement)
        await stop(run, systems, project)
    if reading is not None:
        crm = systems.crm(ref.connection)
        status = {
            "status": "Project on hold" if minutes else "Project closed",
            "message": "",
            "engagement": contract.key,
        }
        await run.step("tell sales", crm.report, ref.id, "state", status)
    if minutes:
        await run.hold([_problem(systems, ref, reading, contract.engagement, hours_text(minutes), str(amount))])


async def stop(run: Run, systems: Systems, project: Project) -> None:
    for system, title in (
        (systems.psa(project.legal_entity), f"project {project.state.replace('_', ' ')} in the PSA"),
        (systems.erp(project.legal_entity), "no new time on the project in the ERP"),
    ):
        record = await systems.register.record_id("project", project.key, system.name)
        if record is not None:
            await run.step(on(project, title), system.set_state, project, record)


def _problem(systems: Systems, ref: Ref, reading: Reading | None, engagement: str, hours: str, amount: str) -> Problem:
    link = systems.crm(ref.connection).link(ref)
    if reading is None:
        return Problem("deal.deleted", {"engagement": engagement, "link": link})
    deal = cast(Engagement, reading.document)
    return Problem(
        "deal.reopened", {"deal": deal.name, "stage": deal.stage, "hours": hours, "amount": amount, "link": link}
    )
