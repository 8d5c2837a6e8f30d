"""Time entries arrive in pages: stored, priced at the work date, checked against the rate card; the bad ones wait alone."""

from __future__ import annotations

from zlib import crc32

from tieout.engine.run import Row, Run, flow
from tieout.flows.waiting_time import look_or_leave, rate_rows, settle_page
from tieout.systems.systems import Systems

# So many pages go side by side.
_LANES = 2
# Seconds after which all that waits is looked at, although more is coming.
_AT_LEAST_EVERY = 10.0


def lane_of_an_entry(message: Row) -> str:
    """A part of the entries, always the same for one of them."""
    return f"{message['connection']}/{message['kind']}/{crc32(message['record_id'].encode()) % _LANES}"


@flow(
    version=1,
    title="Approved time → priced and checked",
    starts_on=("psa", "time_entry"),
    page=5000,
    lane=lane_of_an_entry,
    errand="billing",
    contents=False,
)
async def approved_time(run: Run, systems: Systems) -> None:
    connection, register = run.subject.split("/")[0], systems.register
    gone = {each.ref.id: each.version for each in run.messages if each.deleted}
    await run.about(title=f"{len(run.messages)} time entries")
    rates = rate_rows(systems.firm)
    await run.step("store the page, find project, role and rate", register.take_time, connection, run.id, rates, gone)
    await settle_page(run, systems, connection, list({each.ref.id: None for each in run.messages}))
    # A month-end does not look at everything with every page: whoever has another one behind it leaves that to the last.
    if systems.looks.since(connection) >= _AT_LEAST_EVERY or not await register.followed(run.id):
        await look_or_leave(run, systems, connection)
    await deliver(run, systems, connection)


async def deliver(run: Run, systems: Systems, connection: str) -> None:
    """Sends every ERP on its way that does not have all approved time, unless somebody is about to begin with it."""
    for entity in await systems.register.entities_to_deliver():
        subject, lane = f"{connection}/{entity}", f"time/{entity}"
        await run.start("time_to_erp", subject, run.now().isoformat(), lane=lane, joins=True)
