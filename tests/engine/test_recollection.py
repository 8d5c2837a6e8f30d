"""Reconcile-forward: what the database forgot is found in the targets, and made only where it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation, Receipt, Write
from tieout.domain.problems import Rejected, Transient
from tieout.engine.effects import Context, Effects
from tieout.engine.recollection import declare, outlook, recollect
from tieout.engine.run import Later
from tieout.store import cursors, messages
from tieout.store.database import row
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SETTLE = timedelta(seconds=30)
MARGIN = timedelta(minutes=15)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Target:
    """A target that remembers by subject, as a business reads it, and makes as many as it is asked for."""

    name = "kantata"

    def __init__(self, guarantee: Guarantee) -> None:
        self.made: list[str] = []
        self._operation = Operation(
            "project.create",
            guarantee,
            "set up",
            SETTLE,
            timedelta(hours=20),
            creates="project",
            money=Claim.UNTOUCHED,
            undo="",
        )

    def operation(self, name: str) -> Operation:
        return self._operation

    async def prepare(self, write: Write) -> bytes:
        return write.subject.encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        self.made.append(request.decode())
        return Receipt(f"K{len(self.made)}")

    async def find(self, write: Write) -> Receipt | None:
        return Receipt(f"K{self.made.index(write.subject) + 1}") if write.subject in self.made else None


async def failover(books: Books) -> None:
    """The server is on another timeline than the database remembers."""
    async with books.database.transaction() as tx:
        await tx.execute("update memory set timeline = '00000000'")


async def forget(books: Books) -> None:
    async with books.database.transaction() as tx:
        await tx.execute("delete from effect")


def working(books: Books, clock: Clock, sabotage: frozenset[str] = frozenset()) -> Effects:
    return Effects(books.database, clock, Context("run"), sabotage)


WRITE = Write("project.create", "PRJ-1", "1", {})


async def test_nothing_is_sent_before_it_is_seen_what_the_database_may_not_know(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.LOOK_UP)
    assert not await recollect(books.database, clock)
    await failover(books)
    with pytest.raises(Transient, match="came back from a failover"):
        await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    assert await recollect(books.database, clock)
    assert not await recollect(books.database, clock)


async def test_what_a_target_of_class_d_has_already_is_found_after_everything_late_has_arrived(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.LOOK_UP)
    await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    await forget(books)
    await failover(books)
    await recollect(books.database, clock)
    with pytest.raises(Later) as wait:
        await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    assert wait.value.at == NOON + SETTLE
    clock.now += SETTLE
    assert (await working(books, clock).perform(target, WRITE)).id == "K1"  # type: ignore[arg-type]
    assert target.made == ["PRJ-1"]
    other = Write("project.create", "PRJ-2", "1", {})
    assert (await working(books, clock).perform(target, other)).id == "K2"  # type: ignore[arg-type]


async def test_saboteur_a_database_that_is_sure_of_its_memory_doubles(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.LOOK_UP)
    await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    await forget(books)
    await failover(books)
    await working(books, clock, frozenset({"sure_of_memory"})).perform(target, WRITE)  # type: ignore[arg-type]
    assert target.made == ["PRJ-1", "PRJ-1"]


async def test_class_e_is_held_for_a_day_with_the_evidence(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.NONE)
    await failover(books)
    await recollect(books.database, clock)
    with pytest.raises(Rejected, match="do not know whether"):
        await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    assert target.made == []
    clock.now += timedelta(hours=24)
    await working(books, clock).perform(target, Write("project.create", "PRJ-2", "1", {}))  # type: ignore[arg-type]
    assert target.made == ["PRJ-2"]


async def test_a_content_that_was_confirmed_before_the_gap_is_confirmed_again_once(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.UPSERT)

    async def keep(body: Mapping[str, Any]) -> None:
        await working(books, clock).keep(target, "project.create", "PRJ-1", body, {})  # type: ignore[arg-type]

    await keep({"state": "ready"})
    await keep({"state": "ready"})
    assert len(target.made) == 1
    await failover(books)
    await recollect(books.database, clock)
    clock.now += SETTLE
    await keep({"state": "ready"})
    await keep({"state": "ready"})
    assert len(target.made) == 2


async def test_a_refusal_before_the_gap_is_in_doubt_too(books: Books) -> None:
    clock, target = Clock(), Target(Guarantee.LOOK_UP)
    await working(books, clock).perform(target, WRITE)  # type: ignore[arg-type]
    async with books.database.transaction() as tx:
        await tx.execute("update effect set state = 'refused', receipt = null")
    await failover(books)
    await recollect(books.database, clock)
    clock.now += SETTLE
    assert (await working(books, clock).perform(target, WRITE)).id == "K1"  # type: ignore[arg-type]
    assert target.made == ["PRJ-1"]


async def test_feeds_are_read_again_from_before_the_gap_and_what_looks_known_is_news(books: Books) -> None:
    clock = Clock()

    async def swept(value: str, stamp: str, again: bool = False) -> list[dict[str, Any]]:
        arrival = messages.Arrival("kantata", "time_entry", "T1", f"{stamp}#same")
        async with books.database.transaction() as tx:
            new = await messages.record(tx, [arrival], via="sweep", now=clock(), again=again)
            await cursors.advance(tx, "kantata", "time_entry", value, clock(), swept=True)
        return new

    assert len(await swept("first", "1")) == 1
    clock.now += timedelta(minutes=20)
    assert await swept("second", "2") == []
    clock.now += timedelta(minutes=1)
    told = await outlook(books.database, clock)
    mine = [each for each in told.feeds if each.kind == "time_entry"]
    assert [(each.connection, each.since) for each in mine] == [("kantata", NOON)]
    await declare(books.database, clock, MARGIN, actor="anna")
    async with books.database.transaction() as tx:
        assert await cursors.where(tx, "kantata", "time_entry") == cursors.Cursor("first", again=True)
    assert len(await swept("third", "3", again=True)) == 1
    async with books.database.transaction() as tx:
        assert await cursors.where(tx, "kantata", "time_entry") == cursors.Cursor("third", backfill=False)
        entry = await row(tx, "select actor, action from audit order by id desc limit 1")
    assert entry == {"actor": "anna", "action": "memory.gap"}


async def test_without_a_mark_a_feed_is_read_from_its_beginning(books: Books) -> None:
    clock = Clock()
    async with books.database.transaction() as tx:
        await cursors.advance(tx, "salesforce", "opportunity", "far", clock())
    await declare(books.database, clock, MARGIN, actor="anna")
    async with books.database.transaction() as tx:
        assert await cursors.where(tx, "salesforce", "opportunity") == cursors.Cursor(None, again=True)
