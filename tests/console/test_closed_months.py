"""Where work is billed people read which month its ledger has closed, and on which day it takes a posting (T21)."""

from __future__ import annotations

import pytest
from tests.console.test_scope import somebody
from tests.console.world import Caller, World

from tieout.store import firm

pytestmark = pytest.mark.anyio


async def tell(world: World, **is_open: bool) -> None:
    """The ledger of Germany says so of these months of 2026; today is 16 November."""
    months = {"october": ("10-01", "10-31"), "november": ("11-01", "11-30"), "december": ("12-01", "12-31")}
    periods = [
        {"first": f"2026-{months[name][0]}", "last": f"2026-{months[name][1]}", "open": each}
        for name, each in is_open.items()
    ]
    async with world.database.transaction() as tx:
        await firm.record_health(tx, "erp-de", {"ok": True, "detail": "", "periods": periods}, world.now())


async def test_a_closed_month_and_the_day_of_the_posting_stand_above_the_board(world: World, anna: Caller) -> None:
    assert "is closed in" not in await anna.get("/invoices")
    await tell(world, october=False, november=True)
    page = await anna.get("/invoices")
    assert "October 2026 is closed in erp-de: what is billed of it now is posted on 16 Nov 2026" in page
    await tell(world, october=False, november=False, december=True)
    page = await anna.get("/invoices")
    assert page.count("is posted on 1 Dec 2026") == 2
    await tell(world, october=False, november=False)
    assert "once finance opens a later month" in await anna.get("/invoices")
    assert "is closed in" not in await (await somebody(world, "US")).get("/invoices"), "it is Germany's ledger"
