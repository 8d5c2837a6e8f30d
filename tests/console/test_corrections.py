"""Finance corrects in the console: an invoice is taken back, work above a limit is written off, each with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.console import seed
from tests.console.world import Caller, World

from tieout.domain.problems import Problem
from tieout.store import holds
from tieout.store.database import rows

pytestmark = pytest.mark.anyio


async def read(world: World, sql: Any, *values: Any) -> list[dict[str, Any]]:
    async with world.database.transaction() as tx:
        return await rows(tx, sql, values)


async def test_a_posted_invoice_is_asked_back_from_its_page_and_waits_for_a_second_person(
    world: World, anna: Caller
) -> None:
    (invoice, *_) = await read(
        world, "select key from invoice where state in ('posted', 'partly_paid', 'paid') order by key"
    )
    path = f"/invoices/{invoice['key']}"
    assert "Credit it whole" in await anna.get(path)
    page = await anna.send(f"{path}/credit", {"reason": "billed to the wrong company"}, page=path)
    assert "somebody else of finance" in page
    (run,) = await read(world, "select state, subject from run where flow = 'credit_and_rebill'")
    assert run == {"state": "queued", "subject": invoice["key"]}
    (decision,) = await read(world, "select reason, decided_by from decision where code = 'credit_and_rebill'")
    assert decision["reason"] == "billed to the wrong company"


async def test_a_draft_is_not_credited(world: World, anna: Caller) -> None:
    (invoice, *_) = await read(world, "select key from invoice where state in ('proposed', 'draft') order by key")
    path = f"/invoices/{invoice['key']}"
    assert "Credit it whole" not in await anna.get(path)
    await anna.send(f"{path}/credit", {"reason": "x"}, page="/holds", status=409)


async def above_a_limit(world: World) -> int:
    (project, *_) = await read(world, "select * from project order by key")
    facts = {
        "project": "Data",
        "cap": "1.00 USD",
        "amount": "170.00 USD",
        "hours": "0.50",
        "link": "",
        "about": "PKG/cap",
    }
    row = {
        "flow": "time_to_invoice", "subject": f"{project['engagement']}/caps", "id": "", "entity": project["entity"],
        "engagement": project["engagement"],
    }  # fmt: skip
    async with world.database.transaction() as tx:
        await tx.execute(
            """
            insert into piece (engagement, entity, currency, connection, source_id, kind, sold, task, role, work_date, fate,
                               minutes, worth, agreed, rate, why, decided_at)
            values (%s, %s, %s, 'kantata', 'x', 'time', '', '', '', '2026-10-05', 'over_cap', 30, 170, 340, 340, 'PKG/cap', now())
            """,
            (project["engagement"], project["entity"], project["currency"]),
        )
        await holds.open_holds(tx, row, [Problem("billing.over_cap", facts)], title="Data", amount=None, now=seed.NOW)
    (hold,) = await read(world, "select id from hold where code = 'billing.over_cap' and state = 'open'")
    return int(hold["id"])


async def test_work_above_a_limit_is_written_off_from_its_hold_and_the_hold_ends(world: World, anna: Caller) -> None:
    number = await above_a_limit(world)
    assert "What waits above PKG/cap" in await anna.get(f"/holds/H-{number}")
    await anna.send(f"/holds/H-{number}/write-off", {"reason": ""}, page=f"/holds/H-{number}", status=409)
    page = await anna.send(f"/holds/H-{number}/write-off", {"reason": "as agreed"}, page=f"/holds/H-{number}")
    assert "written off" in page
    (piece,) = await read(world, "select fate, reason from piece where why = 'PKG/cap'")
    assert piece == {"fate": "written_off", "reason": "as agreed"}
    assert await read(world, "select state from hold where id = %s", number) == [{"state": "resolved"}]
