"""Won → project in the ERP and in the PSA: a real worker, a real doorbell, the real Tryton."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from typing import Any

from .ground import ground
from .measuring import Figure, Watch, percentile, spread
from .recording import replay
from .stage import Stage, stage

DEALS = 10
_IDLE = 10.0


async def measure(deals: int = DEALS) -> list[Figure]:
    async with ground() as base, stage(base, sweep_every=15) as on:
        return await kickoffs(on, deals)


async def kickoffs(on: Stage, deals: int) -> list[Figure]:
    seller = await on.seller()
    opportunities = [await on.deal(seller) for _ in range(deals + 1)]
    await on.quiet()
    await on.win(seller, opportunities.pop())  # the first one logs in everywhere
    await on.quiet()
    watch = Watch(hub=os.getpid(), postgres=on.ground.postgres, systems=on.systems.process.pid)
    await asyncio.sleep(_IDLE)
    idle = watch.cpu()
    watch.reset()
    told: list[dict[str, Any]] = []
    for deal in opportunities:
        won = await on.win(seller, deal)
        told.append(await _story(on, deal, won))
    cpu = watch.each(deals)
    floors = [await _floor(on, each) for each in sorted(told, key=lambda each: len(each["calls"]))[:3]]
    floor, calls = min(floors), min(len(each["calls"]) for each in told)
    return [
        *(
            _figure(name, told, cpu, floor, calls, deals)
            for name in ("project in the ERP", "project in the PSA", "sales is told")
        ),
        Figure(
            "a hub that waits, with Postgres",
            100 * (idle["hub"] + idle["postgres"]) / _IDLE,
            "% of a core",
            detail={f"% of a core for {party}": 100 * idle[party] / _IDLE for party in ("hub", "postgres")},
        ),
    ]


def _figure(
    name: str, told: Sequence[dict[str, Any]], cpu: dict[str, float], floor: float, calls: int, deals: int
) -> Figure:
    seconds = [each[name] for each in told]
    spans = ("rung", "read again", "begun")
    return Figure(
        f"won → {name}, median of {deals} deals",
        percentile(seconds, 0.5),
        "s",
        floor if name == "sales is told" else None,
        f"the {calls} HTTP calls of one kickoff, bare, each with one committed insert"
        if name == "sales is told"
        else "",
        cpu if name == "sales is told" else {},
        {**spread(seconds), **{f"median until {each}": percentile([one[each] for one in told], 0.5) for each in spans}},
    )


async def _story(on: Stage, deal: str, won: float) -> dict[str, Any]:
    """When what happened to one deal, in seconds from the moment it was won, and the calls that it took."""
    run = await on.kickoff_run(deal)
    assert run is not None
    made = await on.rows(
        "select connection, settled_at from effect where operation = 'project.create' and run_id = %s", run["id"]
    )
    (bell,) = await on.rows(
        "select min(rung_at) as at from bell where record_id = %s and rung_at >= to_timestamp(%s)", deal, won
    )
    (message,) = await on.rows("select min(received_at) as at from message where run_id = %s", run["id"])
    at = {each["connection"]: each["settled_at"] for each in made}
    moments = {
        "rung": bell["at"],
        "read again": message["at"],
        "begun": run["started_at"],
        "project in the ERP": at["erp-us"],
        "project in the PSA": at["kantata"],
        "sales is told": run["ended_at"],
    }
    looked = on.recorder.of_rounds("salesforce", won, run["started_at"].timestamp())
    calls = [*looked, *on.recorder.of_run(run)]
    return {"deal": deal, "calls": calls, **{name: moment.timestamp() - won for name, moment in moments.items()}}


async def _floor(on: Stage, told: dict[str, Any]) -> float:
    """The same calls about a customer and a project of new names."""
    subjects = await on.rows("select distinct subject from effect where run_id like %s", f"%{told['deal']}%")
    fresh = {
        each["subject"]: each["subject"][:4] + secrets.token_hex(4).upper()
        for each in subjects
        if "/" not in each["subject"] and each["subject"][:4] in ("CUS-", "PRJ-")
    }
    return await replay(told["calls"], fresh, on.ground.database)
