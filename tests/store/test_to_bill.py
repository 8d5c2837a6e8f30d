"""Which engagements are asked at a cut-off whether anything is to be billed, each once for a period."""

from __future__ import annotations

from datetime import date

import pytest

from tieout.engine.generation import run_id
from tieout.store import runs, time
from tieout.store.database import Tx
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def to_bill(tx: Tx, entity: str = "US", through: date = date(2026, 10, 31), period: str = "2026-10") -> list[str]:
    return await time.engagements_to_bill(tx, entity, through, period)


async def test_an_engagement_with_unbilled_work_is_asked_once_for_a_period(books: Books) -> None:
    deal, other = await books.deal(1), await books.deal(2)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(other, [("T2", 1, 60)])
    asked = run_id("time_to_invoice", f"{deal.engagement}/2026-10", "1")
    async with books.database.transaction() as tx:
        assert await to_bill(tx) == sorted([deal.engagement, other.engagement])
        assert await to_bill(tx, "DE") == []
        assert await to_bill(tx, through=date(2026, 9, 30)) == []
        await runs.queue(
            tx,
            asked,
            flow="time_to_invoice",
            subject=f"{deal.engagement}/2026-10",
            version="1",
            lane="l",
            now=books.now(),
        )
        assert await to_bill(tx) == [other.engagement]
        assert await to_bill(tx, through=date(2026, 11, 30), period="2026-11") == sorted(
            [deal.engagement, other.engagement]
        )


async def test_what_is_billed_or_waits_for_a_person_is_not_asked_for(books: Books) -> None:
    deal, other = await books.deal(1), await books.deal(2)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(other, [("T2", 1, 60)], rate="1.00")
    await books.proposal(deal)
    async with books.database.transaction() as tx:
        assert await to_bill(tx) == []


async def test_what_changed_after_it_was_billed_is_asked_for(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.proposal(deal)
    await books.time(deal, [("T1", 1, 90)])
    async with books.database.transaction() as tx:
        assert await to_bill(tx) == [deal.engagement]
