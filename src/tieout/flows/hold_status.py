"""What an engagement waits for stands on its projects in the PSA, where the firm wants delivery to read it there."""

from __future__ import annotations

from tieout.domain.problems import explain
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems

NAME = "hold_status"
# The field takes more; a longer text would itself wait for a person.
_LONGEST = 200


@flow(version=1, title="Holds → project in the PSA")
async def hold_status(run: Run, systems: Systems) -> None:
    register = systems.register
    projects = await register.projects_of(run.subject)
    if not projects:
        run.ignore("there is no project yet")
    entity = projects[0].legal_entity
    await run.about(title=projects[0].name, entity=entity, engagement=run.subject)
    psa = systems.psa(entity)
    records = {each.key: await register.record_id("project", each.key, psa.name) for each in projects}
    if not any(records.values()) or not systems.firm.shows_holds(psa.name):
        run.ignore(f"{psa.name} does not show holds")
    waits = await register.waits_of(run.subject, but=NAME)
    facts = {"hold_status": "", "hold_message": ""}
    if waits:
        count = "1 problem" if len(waits) == 1 else f"{len(waits)} problems"
        first = explain(waits[0])
        facts = {"hold_status": f"Waits: {count}", "hold_message": f"{first.what} {first.fix}"[:_LONGEST]}
    for key, record in records.items():
        if record is not None:
            await run.step("holds on the project", psa.report, key, record, "holds", facts)
