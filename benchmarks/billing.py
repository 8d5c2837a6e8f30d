"""Approved entry → invoice line in the ERP, when the month's cut-off has come: a real worker, the real Tryton."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from datetime import date
from typing import Any

from tieout.sandbox.story.desks import WorkDesk

from .ground import ground, until
from .measuring import Figure, Watch, percentile, spread
from .recording import Call, replay
from .stage import CONSULTANT, LEAD, Stage, engagement_key, project_key, stage

DEALS = 6
SWEEP = 1.0
_WORKED, _CUT_OFF = date(2026, 10, 5), date(2026, 11, 3)
_MOMENTS = ("seen", "priced", "proposed", "in the ERP")


async def measure(deals: int = DEALS) -> list[Figure]:
    async with ground() as base, stage(base, sweep_every=SWEEP) as on:
        seller = await on.seller()
        opportunities = [await on.deal(seller) for _ in range(deals + 1)]
        await asyncio.gather(*(on.win(seller, each) for each in opportunities))
        sheets = [(each, await _submitted(on, each)) for each in opportunities]
        await on.systems.jump(_CUT_OFF)
        await on.quiet()
        approver = await on.desk(LEAD)
        await _billed(on, approver, *sheets.pop())
        await on.quiet()
        watch = Watch(hub=os.getpid(), postgres=base.postgres, systems=on.systems.process.pid)
        told = [await _billed(on, approver, deal, sheet) for deal, sheet in sheets]
        cpu = watch.each(deals)
        fewest = sorted(told, key=lambda each: len(each["calls"]))[:3]
        floor = min([await replay(each["calls"], _renamed(each), base.database) for each in fewest])
    seconds = [each["in the ERP"] for each in told]
    figure = Figure(
        f"approved entry → invoice line in the ERP, median of {deals} deals",
        percentile(seconds, 0.5),
        "s",
        floor,
        f"the {len(fewest[0]['calls'])} HTTP calls on that path, bare, each with one committed insert",
        cpu,
        {
            **spread(seconds),
            "sweep every": SWEEP,
            **{f"median until {each}": percentile([one[each] for one in told], 0.5) for each in _MOMENTS},
        },
    )
    return [figure]


async def _submitted(on: Stage, deal: str) -> str:
    """An hour of work on the deal's project, submitted and not approved; the timesheet."""
    lead, desk = await on.desk(LEAD), await on.desk(CONSULTANT)
    links = await on.rows(
        "select kind, record_id from crosswalk where connection = 'kantata' and key like %s order by kind, key",
        f"{project_key(deal)}%",
    )
    project = next(each["record_id"] for each in links if each["kind"] == "project")
    task = [each["record_id"] for each in links if each["kind"] == "task"][-1]
    await lead.create(
        "participations", "participation", {"workspace_id": project, "user_id": await desk.me(), "role": "maven"}
    )
    facts = {
        "workspace_id": project, "story_id": task, "date_performed": str(_WORKED), "time_in_minutes": 60, "notes": "work",
    }  # fmt: skip
    entry = await desk.create("time_entries", "time_entry", facts)
    sheet = {"title": "Week", "workspace_id": project, "line_item_ids": [entry]}
    return await desk.create("timesheet_submissions", "timesheet_submission", sheet)


async def _billed(on: Stage, approver: WorkDesk, deal: str, sheet: str) -> dict[str, Any]:
    """Approves the hour; when what happened, in seconds from then, and the calls on the way to the invoice line."""
    approved, key = time.time(), engagement_key(deal)
    await approver.resolve(sheet, "approve", "fine")
    found: list[dict[str, Any]] = []

    async def drafted() -> bool:
        found[:] = await on.rows(
            "select * from effect where operation = 'invoice.propose' and state = 'done' and subject like %s", f"{key}%"
        )
        return bool(found)

    await until(drafted, 60, f"the invoice of {deal}")
    (pricing,) = await on.rows(
        """
        select r.id, r.started_at, r.ended_at, min(m.received_at) as seen from run r join message m on m.run_id = r.id
        join time_entry t on t.source_id = m.record_id
        where r.flow = 'approved_time' and t.engagement = %s and t.version = m.version group by 1
        """,
        key,
    )
    (invoice,) = await on.rows("select proposed_at from invoice where engagement = %s", key)
    (billing,) = await on.rows("select started_at, ended_at from run where id = %s", found[0]["run_id"])
    moments = {
        "seen": pricing["seen"],
        "priced": pricing["ended_at"],
        "proposed": invoice["proposed_at"],
        "in the ERP": found[0]["settled_at"],
    }
    calls = [
        *_one_sweep(on.recorder.of_rounds("kantata", approved, pricing["seen"].timestamp())),
        *on.recorder.of_run(pricing),
        *on.recorder.of_run(billing),
    ]
    return {"key": key, "calls": calls, **{name: at.timestamp() - approved for name, at in moments.items()}}


def _one_sweep(calls: list[Call]) -> list[Call]:
    """The sweep that saw it: the last one, which begins with the list of entries."""
    starts = [i for i, each in enumerate(calls) if "/time_entries?" in each.url and "updated_after" in each.url]
    return calls[starts[-1] if starts else 0 :]


def _renamed(told: dict[str, Any]) -> dict[str, str]:
    return {told["key"]: told["key"][:4] + secrets.token_hex(4).upper()}
