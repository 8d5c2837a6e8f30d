"""An ERP that refuses a batch for three of its entries gets all the others, and is asked again about the three."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from tieout import sandbox
from tieout.connectors.contract import Receipt
from tieout.domain.firm import Firm
from tieout.domain.limits.settings import LimitSettings
from tieout.domain.problems import Transient
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


async def deliver(
    books: Books, erp: NullErp, version: str, firm: Firm = FIRM, sabotage: frozenset[str] = frozenset()
) -> None:
    """One run of `time_to_erp`, from its beginning to its end."""
    systems = systems_for({"erp-us": erp, "erp-de": NullErp("erp-de", [])}, books.now, sabotage)
    executor = Executor(books.database, books.now, lambda: date(2026, 11, 2), FLOWS, systems, lambda: firm, "worker")
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


class SlowErp(NullErp):
    """It answers nobody before so many calls are under way, and remembers how many were at most, and whose lines; it is away for
    one of its calls."""

    def __init__(self, name: str, people: Sequence[str], together: int = 1, away: int = 0) -> None:
        super().__init__(name, people)
        self._together = together
        self._enough = asyncio.Event()
        self.most = self.calls = 0
        self.people_at_once: set[str] = set()
        self.told: Counter[str] = Counter()
        self._away = away
        self._under_way: list[set[str]] = []

    async def send(self, operation: str, request: bytes) -> Receipt:
        entries = json.loads(request)["entries"]
        people = {each["person"] for each in entries}
        self.people_at_once |= people & set[str]().union(*self._under_way)
        self._under_way.append(people)
        self.calls += 1
        self.most = max(self.most, len(self._under_way))
        number = self.calls
        if len(self._under_way) >= self._together:
            self._enough.set()
        async with asyncio.timeout(30):
            await self._enough.wait()
        await asyncio.sleep(0.01)  # whoever is not to be under way besides would be by now
        self._under_way.remove(people)
        if number == self._away:
            raise Transient("away for a moment")
        self.told.update(each["uuid"].rpartition("-")[0] for each in entries)
        return await super().send(operation, request)


PEOPLE, EACH = [f"K{number:03}" for number in range(12)], 300


def firm_whose_erp_takes(calls: int) -> Firm:
    limits = LimitSettings(concurrency=calls, share=1)
    erp = FIRM.connections["erp-us"].model_copy(update={"limits": limits})
    return FIRM.model_copy(update={"connections": {**FIRM.connections, "erp-us": erp}})


@pytest.fixture
async def month(books: Books) -> Books:
    """Entries of twelve people wait for the ERP, more than seven batches of them."""
    deal = await books.deal(1)
    async with books.database.transaction() as tx:
        await crosswalk.link(tx, "task", deal.task(1), "erp-us", "71", books.now())
    for person in PEOPLE:
        await books.time(deal, [(f"{person}-{number}", 1, 60) for number in range(EACH)], person=person)
    return books


async def test_as_many_batches_are_under_way_as_the_erp_takes_and_nobody_is_in_two(month: Books) -> None:
    erp = SlowErp("erp-us", PEOPLE, together=4)
    await deliver(month, erp, "1", firm_whose_erp_takes(4))
    assert (erp.most, erp.people_at_once) == (4, set())
    assert len(erp.told) == len(PEOPLE) * EACH
    assert set(erp.told.values()) == {1}


async def test_without_a_word_of_the_firm_batches_go_one_after_the_other(month: Books) -> None:
    erp = SlowErp("erp-us", PEOPLE)
    await deliver(month, erp, "1")
    assert (erp.most, len(erp.told)) == (1, len(PEOPLE) * EACH)


async def test_while_the_erp_is_away_for_one_batch_the_others_arrive_and_then_that_one(month: Books) -> None:
    erp, firm = SlowErp("erp-us", PEOPLE, away=2), firm_whose_erp_takes(4)
    await deliver(month, erp, "1", firm)
    assert len(erp.told) == (len(PEOPLE) - 2) * EACH  # nobody of the two in that batch is in another one
    await deliver(month, erp, "2", firm)
    assert len(erp.told) == len(PEOPLE) * EACH
    assert set(erp.told.values()) == {1}


async def test_a_hub_that_freezes_what_is_frozen_is_caught(month: Books) -> None:
    erp = SlowErp("erp-us", PEOPLE, together=4)
    await deliver(month, erp, "1", firm_whose_erp_takes(4), frozenset({"thaw"}))
    assert erp.people_at_once
    assert max(erp.told.values()) > 1
