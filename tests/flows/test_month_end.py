"""A month-end in many pages: what waits is looked at once, at its end, and told as one hold per cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tieout import sandbox
from tieout.connectors.contract import Change, Connector
from tieout.domain.identity import Ref
from tieout.domain.problems import Transient
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.flows.approved_time import approved_time
from tieout.flows.catalogue import FLOWS
from tieout.folder.loading import load
from tieout.sandbox.workload.booked import book
from tieout.sandbox.workload.files import Made, make
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.shape import Shape
from tieout.sandbox.workload.source import SimulatedPsa
from tieout.store import bells, cursors, messages, runs
from tieout.store.bells import Ring
from tieout.store.database import Database, row, rows
from tieout.systems.systems import systems_for
from tieout.testing.books import Books
from tieout.testing.null_erp import NullErp

pytestmark = pytest.mark.anyio
KESTREL = load(Path(sandbox.__file__).parent / "firm" / "kestrel")
FIRM = SimulatedFirm(Shape(10, 1, 7))
PAGE = 200


class Hub:
    """Intake and executor, worked by hand."""

    def __init__(self, books: Books) -> None:
        people = [each["person"] for each in FIRM.people()]
        self.source = SimulatedPsa("kantata", FIRM)
        self.ledgers = [NullErp("erp-us", people), NullErp("erp-de", people)]
        connections: dict[str, Connector] = {"kantata": self.source, **{each.name: each for each in self.ledgers}}
        self._books, self.database, self.now = books, books.database, books.now
        self.pages_of(PAGE)
        systems = systems_for(connections, self.now)
        self._executor = Executor(
            self.database, self.now, lambda: date(2026, 2, 3), FLOWS, systems, lambda: KESTREL, "worker"
        )

    def pages_of(self, size: int) -> None:
        feed = Feed(self.source, "time_entry", replace(approved_time, page=size))
        self.intake = Intake(self.database, self.now, [feed])

    async def from_the_beginning(self) -> None:
        async with self.database.transaction() as tx:
            await cursors.advance(tx, "kantata", "time_entry", "", self.now())

    async def month_end(self) -> int:
        """How many messages were new."""
        new = await self.intake.sweep(self.intake.feeds[0])
        await self.work_off()
        return new

    async def work_off(self, flow: str = "") -> None:
        """What is due, of one flow or of all, until nothing is."""
        async with self.database.transaction() as tx:
            due = await runs.due(tx, self.now(), 1000)
        due = [each for each in due if each["id"].startswith(flow)]
        for each in due:
            self._books.moment += timedelta(milliseconds=1)  # no two pages begin at the same moment
            await self._executor.execute(each["id"], each["generation"])
        if due:
            await self.work_off(flow)


@pytest.fixture
async def hub(books: Books) -> Hub:
    await book(books.database, FIRM, "kantata", books.now())
    hub = Hub(books)
    await hub.from_the_beginning()
    return hub


async def stand(database: Database) -> dict[str, Any]:
    async with database.transaction() as tx:
        found = await row(
            tx,
            """
            select count(*) filter (where state = 'approved' and problem = '' and delivered_minutes <> minutes) as undelivered,
                   count(*) filter (where (state <> 'approved' or problem <> '') and delivered_id <> '') as wrong,
                   (select count(*) from message where state in ('received', 'in_flight')) as open,
                   (select sum(abs(missing) + abs(missing_minor)) from conservation)::integer as missing
            from time_entry
            """,
        )
    assert found is not None
    return found


async def codes(database: Database, query: str) -> Counter[str]:
    async with database.transaction() as tx:
        return Counter(each["code"] for each in await rows(tx, query))  # type: ignore[arg-type]


HELD = "select reason as code from message where state = 'held'"
WAITING = "select problem as code from time_entry where problem <> ''"
HOLDS = "select code from hold where state = 'open' and flow = 'approved_time'"


async def looks(database: Database) -> tuple[int, int]:
    """Of how many pages' runs, how many looked at all that waits."""
    async with database.transaction() as tx:
        found = await row(
            tx,
            """
            select count(*) as pages, count(*) filter (where exists (
              select from step s where s.run_id = r.id and s.title = 'what waits, and why')) as looks
            from run r where flow = 'approved_time'
            """,
        )
    assert found is not None
    return found["pages"], found["looks"]


def made() -> Made:
    return make(FIRM, None, "jsonl")


async def test_every_clean_entry_is_delivered_and_every_dirty_one_waits_under_its_cause(hub: Hub) -> None:
    assert await hub.month_end() > 3 * PAGE
    assert await stand(hub.database) == {"undelivered": 0, "wrong": 0, "open": 0, "missing": 0}
    waiting = await codes(hub.database, WAITING)
    assert 0 < waiting.total() <= made().dirty.total()
    assert await codes(hub.database, HELD) == waiting
    assert (await codes(hub.database, HOLDS)).keys() == waiting.keys()
    pages, looked = await looks(hub.database)
    assert pages > 3
    assert looked == 1
    batches = [each.batches.copy() for each in hub.ledgers]
    await hub.from_the_beginning()
    assert await hub.month_end() == 0
    assert [each.batches for each in hub.ledgers] == batches


async def test_in_a_burst_that_goes_on_somebody_looks_every_so_often(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tieout.flows.approved_time._AT_LEAST_EVERY", 0.0)
    await hub.month_end()
    pages, looked = await looks(hub.database)
    assert looked == pages > 3


async def test_all_states_of_an_entry_go_in_one_lane_and_different_ones_side_by_side(hub: Hub) -> None:
    await hub.intake.sweep(hub.intake.feeds[0])
    async with hub.database.transaction() as tx:
        found = await rows(
            tx,
            """
            select count(distinct lane) as lanes, (select max(lanes) from (
              select count(distinct r.lane) as lanes from message m join run r on r.id = m.run_id group by m.record_id) of_record)
              as of_one, (select count(*) from message where run_id is null) as without
            from run where flow = 'approved_time'
            """,
        )
    assert found == [{"lanes": 2, "of_one": 1, "without": 0}]
    await hub.work_off()
    assert await stand(hub.database) == {"undelivered": 0, "wrong": 0, "open": 0, "missing": 0}


async def test_pages_of_the_past_start_one_delivery_for_each_erp_that_nobody_has_begun(hub: Hub) -> None:
    async with hub.database.transaction() as tx:
        await tx.execute("update cursor set caught_up = false")
    await hub.intake.sweep(hub.intake.feeds[0])
    await hub.work_off(flow="approved_time")
    async with hub.database.transaction() as tx:
        found = await rows(tx, "select backfill, count(*) as n from run where flow = 'time_to_erp' group by 1")
    assert found == [{"backfill": True, "n": 2}]


async def test_where_a_look_is_dear_pages_leave_it_to_one_run_and_nothing_waits_unseen(
    hub: Hub, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tieout.flows.approved_time._AT_LEAST_EVERY", 0.0)
    monkeypatch.setattr("tieout.systems.looks._FEW", 0)
    monkeypatch.setattr("tieout.systems.looks._REST", 1_000)
    await hub.month_end()
    books.moment += timedelta(days=1)
    await hub.work_off()
    pages, looked = await looks(hub.database)
    assert looked == 1 < pages
    waiting = await codes(hub.database, WAITING)
    assert waiting.total() > 0
    assert (await codes(hub.database, HOLDS)).keys() == waiting.keys()
    async with hub.database.transaction() as tx:
        left = await rows(tx, "select state from run where flow = 'waiting_time' and state not in ('done', 'ignored')")
    assert left == []


async def test_what_cannot_be_read_when_it_rings_keeps_no_other_back(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await SimulatedPsa("kantata", FIRM).changes("time_entry", None)
    told = list(dict.fromkeys(each.ref.id for each in page.changes))[:3]
    look = hub.source.look

    async def one_is_away(ref: Ref) -> Change | None:
        if ref.id == told[1]:
            raise Transient("the PSA is away")
        return await look(ref)

    async with hub.database.transaction() as tx:
        for each in told:
            await bells.store(tx, [Ring("kantata", f"bell-{each}", [("time_entry", each)], hub.now())])
    monkeypatch.setattr(hub.source, "look", one_is_away)
    with pytest.raises(Transient):
        await hub.intake.answer_bells(hub.source)
    async with hub.database.transaction() as tx:
        assert [each["record_id"] for each in await messages.unanswered(tx, "kantata", 10)] == [told[1]]
        assert len(await rows(tx, "select from message where kind = 'time_entry' and via = 'doorbell'")) == 2
    monkeypatch.setattr(hub.source, "look", look)
    assert await hub.intake.answer_bells(hub.source) == 1
    assert await hub.intake.answer_bells(hub.source) == 0


async def rung(hub: Hub, *records: str) -> list[int]:
    """After these have rung and were read again: how many messages each run has that nobody has begun."""
    async with hub.database.transaction() as tx:
        for each in records:
            await bells.store(tx, [Ring("kantata", f"bell-{each}", [("time_entry", each)], hub.now())])
    await hub.intake.answer_bells(hub.source)
    async with hub.database.transaction() as tx:
        found = await rows(
            tx,
            """
            select (select count(*) from message where run_id = r.id)::integer as n from run r
            where flow = 'approved_time' and state = 'queued' order by sequence
            """,
        )
    return [each["n"] for each in found]


async def test_what_rings_joins_the_page_that_nobody_has_begun_as_long_as_it_has_room(hub: Hub) -> None:
    told = (await SimulatedPsa("kantata", FIRM).changes("time_entry", None)).changes
    lanes: dict[str, list[str]] = {}
    for each in dict.fromkeys(each.ref for each in told):
        lanes.setdefault(
            approved_time.lane({"connection": each.connection, "kind": each.kind, "record_id": each.id}), []
        ).append(each.id)
    ids = max(lanes.values(), key=len)
    assert await rung(hub, *ids[:2]) == [2]
    assert await rung(hub, ids[2]) == [3]
    await hub.work_off()
    assert await rung(hub, ids[3]) == [1], "one that is over takes nothing more"
    hub.pages_of(2)
    assert await rung(hub, *ids[4:6]) == [1, 2]
    await hub.work_off()
    assert (await stand(hub.database))["open"] == 0
