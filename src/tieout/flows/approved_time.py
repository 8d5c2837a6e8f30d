"""Time entries arrive in pages: stored, priced at the work date, checked against the rate card; the bad ones wait alone."""

from __future__ import annotations

from tieout.engine.run import Run, flow
from tieout.flows.waiting_time import look_or_leave, rate_rows, settle_page
from tieout.systems.systems import Systems

# Entries after which all that waits is looked at, although more are coming.
_AT_LEAST_EVERY = 50_000


@flow(
    version=1,
    title="Approved time → priced and checked",
    starts_on=("psa", "time_entry"),
    page=5000,
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
    if _passes(run) or not await register.followed(run.id):
        await look_or_leave(run, systems, connection)
    await deliver(run, systems, connection)


async def deliver(run: Run, systems: Systems, connection: str) -> None:
    """Sends every ERP on its way that does not have all approved time, unless somebody is about to begin with it."""
    for entity in await systems.register.entities_to_deliver():
        subject, lane = f"{connection}/{entity}", f"time/{entity}"
        await run.start("time_to_erp", subject, run.now().isoformat(), lane=lane, joins=True)


def _passes(run: Run) -> bool:
    """Whether the page's messages, which are numbered, reach or pass a multiple of _AT_LEAST_EVERY."""
    first, last = run.messages[0].id, run.messages[-1].id
    return (first - 1) // _AT_LEAST_EVERY < last // _AT_LEAST_EVERY
