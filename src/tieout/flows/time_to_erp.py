"""Approved time goes to the ERP's timesheets in batches, corrections included; cost side, never blocked by one bad entry."""

from __future__ import annotations

from tieout.engine.run import Run, flow
from tieout.flows.waiting_time import look_or_leave
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems


@flow(version=1, title="Approved time → ERP timesheets", errand="billing")
async def time_to_erp(run: Run, systems: Systems) -> None:
    connection, entity = run.subject.split("/")
    erp = systems.erp(entity)
    await run.about(title=f"time of {entity}", entity=entity)
    moved = await send_all(run, erp, entity)
    if await run.step("ask again for what was refused", erp.ask_again, entity):
        moved += await send_all(run, erp, entity)
    if not await systems.register.followed(run.id):  # whoever comes next looks, too
        await look_or_leave(run, systems, connection)
    if not moved:
        run.ignore("the ERP has all approved time")


async def send_all(run: Run, erp: Erp, entity: str) -> int:
    """Batch after batch until the ERP has everything that it does not refuse; how many entries that moved."""
    moved = 0
    for kind in ("change", "new"):
        while pending := await erp.pending_batches(entity, kind):
            for name in pending:
                moved += await send(run, erp, name)
    return moved


async def send(run: Run, erp: Erp, name: str) -> int:
    """One batch; how many entries it moved, none when it was refused and halved."""
    act = erp.correct if "-change-" in name else erp.deliver
    return await run.step(f"batch {name}", act, name)
