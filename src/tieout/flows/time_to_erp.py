"""Approved time goes to the ERP's timesheets in batches, corrections included; cost side, never blocked by one bad entry."""

from __future__ import annotations

from functools import partial

from tieout.engine.hands import by_hands
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
    if erp.has_had_enough:
        await run.start(time_to_erp.name, run.subject, run.now().isoformat(), lane=f"time/{entity}", joins=True)
        return
    if await run.step("ask again for what was refused", erp.ask_again, entity):
        moved += await send_all(run, erp, entity)
    if not await systems.register.followed(run.id):  # whoever comes next looks, too
        await look_or_leave(run, systems, connection)
    if not moved:
        run.ignore("the ERP has all approved time")


async def send_all(run: Run, erp: Erp, entity: str) -> int:
    """Batch after batch until the ERP has everything that it does not refuse, as many at once as it takes; how many entries that
    moved."""

    async def send(name: str) -> int:
        """None of a batch that was refused and halved."""
        return await run.step(f"batch {name}", erp.correct if "-change-" in name else erp.deliver, name)

    changed = await by_hands(erp.hands, partial(erp.next_batch, entity, "change"), send)
    return changed + await by_hands(erp.hands, partial(erp.next_batch, entity, "new"), send)
