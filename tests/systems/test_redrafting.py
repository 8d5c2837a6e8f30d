"""Drafts follow the work beneath them until finance posts or changes them, whatever happens in between (T13, T23, T42)."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.systems.cut_off import CutOff, Ledger, dies

from tieout import sandbox
from tieout.folder.loading import load
from tieout.store.figures import figures
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal
from tieout.testing.crash import FragileDatabase, When

pytestmark = pytest.mark.anyio
FIRM = load(Path(sandbox.__file__).parent / "firm" / "kestrel")
# A sample on every commit; 1 walks every moment.
STEP = int(os.environ.get("TIEOUT_CRASH_STEP", "29"))
LATER = date(2026, 11, 4)


@pytest.fixture
async def cut_off(books: Books) -> AsyncGenerator[CutOff, None]:
    hub = CutOff(books, books.database, FIRM)
    yield hub
    assert (await figures(books.database)).ties_out


async def drafted(hub: CutOff, number: int = 1) -> Deal:
    """An hour of October is billed by a draft."""
    deal = await hub.books.deal(number)
    await hub.books.time(deal, [(f"T{number}", 1, 60)])
    await hub.settle()
    return deal


async def next_day(hub: CutOff) -> None:
    """The drafts are looked at again."""
    hub.day += timedelta(days=1)
    await hub.settle()


async def nets(hub: CutOff, deal: Deal) -> dict[str, Decimal]:
    """What the ERP has of a deal, by reference."""
    return {
        told["reference"]: Decimal(told["net"])
        for told in hub.ledger.records.values()
        if told["reference"].startswith(deal.engagement)
    }


async def states(hub: CutOff, deal: Deal) -> dict[str, str]:
    found = await hub.rows("select key, state from invoice where engagement = %s", deal.engagement)
    return {each["key"].removeprefix(f"{deal.engagement}-"): each["state"] for each in found}


async def left(hub: CutOff, deal: Deal) -> dict[str, int]:
    found = await hub.rows("select source_id, minutes from unbilled where engagement = %s", deal.engagement)
    return {each["source_id"]: each["minutes"] for each in found}


async def test_t23_time_that_comes_while_the_invoice_is_a_draft_comes_on_it(cut_off: CutOff) -> None:
    deal = await drafted(cut_off)
    await cut_off.books.time(deal, [("T9", 1, 30)])
    await cut_off.settle()
    assert await nets(cut_off, deal) == {f"{deal.engagement}-2026-10": Decimal(340)}, "not before the next day"
    await next_day(cut_off)
    assert await nets(cut_off, deal) == {f"{deal.engagement}-2026-10-V2": Decimal(510)}
    assert await states(cut_off, deal) == {"2026-10": "cancelled", "2026-10-V2": "draft"}
    assert await left(cut_off, deal) == {}
    assert cut_off.crm.told[f"{deal.engagement}-2026-10"]["state"] == "cancelled"
    assert cut_off.crm.told[f"{deal.opportunity}/money"]["invoice_status"] == "draft"
    await next_day(cut_off)
    assert cut_off.ledger.made == 2, "nothing has changed since"


async def test_an_approval_that_is_revoked_leaves_the_draft_and_the_last_one_takes_it_away(cut_off: CutOff) -> None:
    deal = await drafted(cut_off)
    await cut_off.books.time(deal, [("T9", 2, 60)])
    await next_day(cut_off)
    await cut_off.books.time(deal, [("T9", 2, 60)], state="rejected")
    await next_day(cut_off)
    assert await nets(cut_off, deal) == {f"{deal.engagement}-2026-10-V3": Decimal(340)}
    await cut_off.books.time(deal, [("T1", 1, 60)], state="rejected")
    await next_day(cut_off)
    assert await nets(cut_off, deal) == {}
    assert set((await states(cut_off, deal)).values()) == {"cancelled"}
    assert await left(cut_off, deal) == {}
    # It is approved after all: a draft again.
    await cut_off.books.time(deal, [("T1", 1, 60)])
    async with cut_off.database.transaction() as tx:
        await tx.execute(
            "update run set state = 'queued', handed_over = false, generation = generation + 1 where id like 'time_to_invoice%:1'"
        )
    await cut_off.settle()
    assert list((await nets(cut_off, deal)).values()) == [Decimal(340)]


async def test_t42_a_draft_for_the_wrong_payer_goes_to_the_right_one(cut_off: CutOff) -> None:
    deal, other = await drafted(cut_off), await drafted(cut_off, 2)
    register = Register(cut_off.database, cut_off.books.now)
    told, payer = await register.engagement(deal.engagement), await register.engagement(other.engagement)
    assert told is not None
    assert payer is not None
    await register.save(told.model_copy(update={"bill_to": payer.customer}), entity="US", engagement=deal.engagement)
    await next_day(cut_off)
    found = await cut_off.rows(
        "select customer from invoice where engagement = %s and state = 'draft'", deal.engagement
    )
    assert found == [{"customer": other.customer}]
    assert len(cut_off.ledger.records) == 2


async def test_a_draft_that_finance_has_posted_or_changed_stays_and_late_time_waits_for_the_next(
    cut_off: CutOff,
) -> None:
    posted, changed = await drafted(cut_off), await drafted(cut_off, 2)
    cut_off.ledger.post(cut_off.record_of(posted.engagement))
    cut_off.ledger.records[cut_off.record_of(changed.engagement)]["lines"][0]["description"] = "Advice in October"
    for number, deal in enumerate((posted, changed), 1):
        await cut_off.books.time(deal, [(f"T9{number}", 1, 30)])
    await next_day(cut_off)
    for number, deal in enumerate((posted, changed), 1):
        assert await nets(cut_off, deal) == {f"{deal.engagement}-2026-10": Decimal(340)}
        assert await left(cut_off, deal) == {f"T9{number}": 30}
    assert await cut_off.holds() == []


async def test_finance_posts_in_the_very_moment_and_late_time_waits_for_the_next(cut_off: CutOff) -> None:
    deal = await drafted(cut_off)
    cut_off.ledger.posts_at_once = True
    await cut_off.books.time(deal, [("T9", 1, 30)])
    await next_day(cut_off)
    assert await nets(cut_off, deal) == {f"{deal.engagement}-2026-10": Decimal(340)}
    assert await left(cut_off, deal) == {"T9": 30}
    assert "target.refused" not in await cut_off.holds()


async def test_a_firm_may_leave_its_drafts_alone(books: Books) -> None:
    billing = FIRM.billing.model_copy(update={"refresh_drafts": False})
    hub = CutOff(books, books.database, FIRM.model_copy(update={"billing": billing}))
    deal = await drafted(hub)
    await books.time(deal, [("T9", 1, 30)])
    await next_day(hub)
    assert await left(hub, deal) == {"T9": 30}
    assert hub.ledger.made == 1


async def changed_by_finance(books: Books, sabotage: frozenset[str] = frozenset()) -> str:
    """What a line says that finance has written anew, a day after more time has come."""
    hub = CutOff(books, books.database, FIRM, sabotage)
    deal = await drafted(hub)
    hub.ledger.records[hub.record_of(deal.engagement)]["lines"][0]["description"] = "Advice in October"
    await books.time(deal, [("T9", 1, 30)])
    await next_day(hub)
    return str(hub.ledger.records[hub.record_of(deal.engagement)]["lines"][0]["description"])


async def test_what_finance_has_written_is_not_undone(books: Books) -> None:
    assert await changed_by_finance(books) == "Advice in October"


async def test_a_hub_that_takes_no_heed_of_finance_is_noticed(books: Books) -> None:
    assert await changed_by_finance(books, frozenset({"redraft_anything"})) != "Advice in October"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_leaves_one_draft_with_all_of_the_work(
    books: Books, database_url: str, when: When
) -> None:
    at, number, ledger = 1 + (STEP // 2 if when == "after" else 0), 1, Ledger()
    fragile = FragileDatabase(database_url, ledger.fuse)
    await fragile.open()
    day = LATER
    try:
        while True:
            hub = CutOff(books, fragile, FIRM, ledger=ledger, day=day)
            deal = await drafted(hub, number)
            await books.time(deal, [(f"T9{number}", 1, 30)])
            hub.day += timedelta(days=1)
            ledger.fuse.light(at, when)
            died = await dies(hub)
            ledger.fuse.light(0, when)
            hub = CutOff(books, fragile, FIRM, ledger=ledger, day=hub.day)
            await hub.settle()
            assert await nets(hub, deal) == {f"{deal.engagement}-2026-10-V2": Decimal(510)}, f"{when} {at}"
            assert await left(hub, deal) == {}
            assert await hub.holds() == []
            if not died:
                break
            at, number, day = at + STEP, number + 1, hub.day
    finally:
        await fragile.close()
    assert number > 3, "the walk must meet moments of the refreshing"
