"""month: a month of a simulated firm to its end: rated, in the ERPs' timesheets, and on draft invoices with lineage, limits kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tieout.connectors.contract import Connector
from tieout.engine.intake import Intake
from tieout.engine.rounds import Rounds, Start
from tieout.flows.catalogue import due
from tieout.sandbox.workload.booked import book
from tieout.sandbox.workload.files import Made, make
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.shape import Shape
from tieout.store import cursors
from tieout.store.database import Tx, row
from tieout.store.figures import figures

from . import month_end
from .far_erp import FarErp, far_erps
from .file_psa import FilePsa, written
from .ground import Ground, ground, now
from .measuring import Figure
from .month_end import PSA, SEED
from .null_systems import NullCrm

ENTRIES = 1_000_000
# After the cut-off of January and what came late.
_TODAY = date(2026, 2, 20)


async def measure(entries: int = ENTRIES) -> list[Figure]:
    firm = SimulatedFirm(Shape(max(1, entries // month_end.EACH), 1, SEED))
    made = make(firm, None, "jsonl")
    states = made.states.total()
    people = [each["person"] for each in firm.people()]
    async with ground() as on, far_erps(on, people, "erp-us", "erp-de") as ledgers:
        await book(on.database, firm, PSA, now())
        async with on.database.session() as session:  # as the server would within the minute
            await session.execute("analyze")
        file = await asyncio.to_thread(written, firm, on.folder / "time_entries.jsonl")
        first = await month_end.run(on, FilePsa(PSA, firm, file), made, ledgers, _invoiced)
        calls, billed = await month_end.prove(on, made, ledgers), await _prove(on, ledgers)
        async with on.database.transaction() as tx:
            await cursors.advance(tx, PSA, "time_entry", "", now())
        second = await month_end.run(on, FilePsa(PSA, firm, file), made, ledgers, _invoiced)
        assert (second["new"], await month_end.prove(on, made, ledgers), await _prove(on, ledgers)) == (
            0,
            calls,
            billed,
        )
        far = (await ledgers[0].counted())["memory_mb"]
    what = f"{made.entries:,} entries in {states:,} states → {billed['invoices']:,} draft invoices with lineage"
    rest = {name: count for name, count in billed.items() if name != "invoices"}
    return [
        _figure(what, first, made, {**rest, "memory of the ERPs, MB": far}),
        _figure("the same again, nothing changed", second, made, {}),
    ]


def _figure(what: str, told: dict[str, Any], made: Made, more: dict[str, Any]) -> Figure:
    detail = {
        "of these until all were taken in": told["intake"], "until all were rated": told["rated"],
        "most memory of the hub so far, MB": told["memory_mb"], **more,
    }  # fmt: skip
    return Figure(what, told["seconds"], "s", cpu=told["cpu"], detail=detail)


async def _invoiced(on: Ground, intake: Intake, connections: dict[str, Connector]) -> None:
    """The cut-off: the calendar starts what is due of time, while the ERPs' timesheets are still being told."""
    connections["salesforce"] = NullCrm("salesforce")

    async def to_bill(tx: Tx, today: date) -> Sequence[Start]:
        return [each for each in await due(tx, on.firm, today) if each.flow == "time_to_invoice"]

    rounds = Rounds(on.database, now, lambda: _TODAY, intake, connections, to_bill, every=timedelta(hours=1))
    await rounds.start_due()


async def _prove(on: Ground, ledgers: Sequence[FarErp]) -> dict[str, int]:
    """Nothing that could be billed is left, what was worked is billed or set aside to the cent, and each invoice was told an ERP
    once; how many invoices, and pieces of evidence and above limits."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from invoice where state = 'draft' and record_id <> '')::integer as invoices,
                   (select count(*) from evidence)::integer as evidence,
                   (select count(*) from piece where fate = 'over_cap')::integer as "above limits",
                   (select count(*) from invoice where state <> 'draft') as unfinished,
                   (select count(*) from unbilled where problem = '' and work_date < '2026-02-01') as unbilled,
                   (select coalesce(max(abs(residual)), 0) from (
                     select sum(l.amount) - i.net as residual from invoice i join invoice_line l on l.invoice = i.key group by i.key
                   ) i) as residue
            """,
        )
    assert found is not None
    left = {name: found.pop(name) for name in ("unfinished", "unbilled", "residue")}
    assert left == {"unfinished": 0, "unbilled": 0, "residue": 0}, left
    assert (await figures(on.database)).ties_out
    told = [await each.counted() for each in ledgers]
    assert sum(each["invoices"] for each in told) == found["invoices"], (told, found)
    assert not any(each["invoices_again"] for each in told), told
    return found
