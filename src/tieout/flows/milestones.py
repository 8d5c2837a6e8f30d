"""A milestone is completed, accepted in part, or was not done after all: its fee follows, and sales hears of it (T39)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from tieout.domain.acceptance import news, unclear
from tieout.domain.documents.milestone import Milestone
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.domain.mapping import at
from tieout.domain.problems import Problem
from tieout.engine.run import Arrived, Row, Run, flow
from tieout.systems.systems import Systems


def project_lane(message: Row) -> str:
    """The milestones of one project are serial."""
    return f"{message['connection']}/project/{at(message, 'payload.project')}"


@flow(version=1, title="Milestone → fee and CRM", starts_on=("psa", "milestone"), lane=project_lane, errand="billing")
async def milestones(run: Run, systems: Systems) -> None:
    ref = Ref.parse(run.subject)
    register = systems.register
    psa = systems.psa_named(ref.connection)
    await run.hold(_unreadable(run.messages, ref))
    reading = await run.step("read the milestone", psa.read, ref)
    if reading is None:
        run.ignore("the milestone is gone")
    milestone = cast(Milestone, reading.document)
    key = await register.key_of("project", ref.connection, milestone.project)
    project = await register.latest(Project, key) if key else None
    entity, engagement = (project.legal_entity, project.engagement) if project else (None, None)
    await run.about(title=milestone.name, entity=entity, engagement=engagement)
    await run.step("note how far it is accepted", register.milestone_told, ref.connection, reading, entity, engagement)
    if project is None:
        run.ignore("its project is none of ours")
    contract = await register.contract(project.engagement)
    deal = await register.engagement(project.engagement)
    if contract is None or deal is None:
        run.ignore("nobody has signed for its project yet")
    states = await register.milestones_of(project.engagement)
    link = psa.link(Ref(ref.connection, "project", milestone.project))
    strangers = await register.accepted_beside(project.engagement)
    problems = unclear(contract.current, states, strangers, deal=deal.name, project=project.name, link=link)
    await run.stand(milestones.name, f"{project.engagement}/names", problems)
    if ref.id not in {each["source_id"] for each in states}:
        run.ignore("the contract names no such milestone")
    crm = systems.crm_of(project.legal_entity)
    await run.step("milestones on the deal", crm.report, deal.source_id, "milestones", {"milestones": news(states)})
    await run.wake("time_to_invoice", project.engagement)


def _unreadable(told: Sequence[Arrived], ref: Ref) -> list[Problem]:
    """What the source said of it last, where that cannot be understood."""
    quote = told[-1].record.get("unreadable") if told and told[-1].record else None
    facts = {"system": ref.connection, "subject": ref.id, "link": f"/x/{ref.id}"}
    return [Problem("milestone.unreadable", facts, quote)] if quote else []
