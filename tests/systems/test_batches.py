"""An ERP that refuses a batch for three of its entries gets all the others, and is asked again about the three."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tieout import sandbox
from tieout.engine.execution import Executor
from tieout.flows.catalogue import FLOWS
from tieout.folder.loading import load
from tieout.store import crosswalk, runs
from tieout.store.database import rows
from tieout.systems.systems import systems_for
from tieout.testing.books import Books
from tieout.testing.null_erp import NullErp

pytestmark = pytest.mark.anyio
FIRM = load(Path(sandbox.__file__).parent / "firm" / "kestrel")
ENTRIES, BATCH = 1_200, 500
GUILTY = {"T0007", "T0008", "T0333"}


@pytest.fixture
async def erp(books: Books) -> NullErp:
    """1,200 approved entries wait for it; three of them, it refuses."""
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        for number in (1, 2):
            await crosswalk.link(tx, "task", deal.task(number), "erp-us", f"7{number}", books.now())
    await books.time(deal, [(f"T{number:04}", 1, 60) for number in range(ENTRIES)])
    async with books.database.transaction() as tx:
        await tx.execute("update time_entry set notes = source_id")
    return NullErp("erp-us", ["K003"], refuses=GUILTY)


async def deliver(books: Books, erp: NullErp, version: str) -> None:
    """One run of `time_to_erp`, from its beginning to its end."""
    systems = systems_for({"erp-us": erp, "erp-de": NullErp("erp-de", [])}, books.now)
    executor = Executor(books.database, books.now, lambda: date(2026, 11, 2), FLOWS, systems, lambda: FIRM, "worker")
    run = f"time_to_erp:kantata/US:{version}"
    async with books.database.transaction() as tx:
        await runs.queue(
            tx, run, flow="time_to_erp", subject="kantata/US", version=version, lane="time/US", now=books.now()
        )
    await executor.execute(run, 1)


async def waiting(books: Books) -> set[str]:
    async with books.database.transaction() as tx:
        found = await rows(
            tx, "select source_id from time_entry where delivered_id = '' and problem = 'target.refused'"
        )
    return {each["source_id"] for each in found}


async def held(books: Books) -> list[tuple[str, str]]:
    async with books.database.transaction() as tx:
        found = await rows(tx, "select code, quote from hold where state = 'open'")
    return [(each["code"], each["quote"]) for each in found]


async def test_only_the_guilty_entries_of_a_refused_batch_wait(books: Books, erp: NullErp) -> None:
    await deliver(books, erp, "1")
    assert len(erp.lines) == ENTRIES - len(GUILTY)
    assert await waiting(books) == GUILTY
    assert await held(books) == [("target.refused", "This period is closed.")]
    assert max(erp.batches) == erp.batches[0] == BATCH
    # Nine halvings until each of the guilty stands alone, two questions each.
    assert len(erp.batches) <= 3 + 2 * 9 * len(GUILTY)


async def test_what_was_refused_is_asked_again_alone_and_goes_when_the_erp_takes_it(books: Books, erp: NullErp) -> None:
    await deliver(books, erp, "1")
    asked = len(erp.batches)
    await deliver(books, erp, "2")
    assert await waiting(books) == GUILTY
    assert max(erp.batches[asked:]) == len(GUILTY)
    erp.refuses = ()
    await deliver(books, erp, "3")
    assert len(erp.lines) == ENTRIES
    assert (await waiting(books), await held(books)) == (set(), [])
