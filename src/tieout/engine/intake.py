"""Brings in what changed: sweeps with overlap, doorbells that are followed and never believed, and starts the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from tieout.connectors.contract import Change, Source
from tieout.domain.identity import Ref, content_hash
from tieout.domain.limits.settings import Lane
from tieout.engine.courtesy import Courtesy
from tieout.engine.errand import errand
from tieout.engine.generation import run_id
from tieout.engine.pressure import Full, never
from tieout.engine.run import Clock, Flow, Row
from tieout.store import bells, cursors, firm, messages, runs
from tieout.store.database import Database, Tx

T = TypeVar("T")

log = structlog.get_logger(__name__)
# For so long at most, what was read waits to be stored with what comes after it.
_GATHERED = timedelta(seconds=1)
# Records that rang and are read in one go, and how many of them at once; where each begins a run of its own, they are stored
# as they are read.
_BELLS, _LOOKS = 1000, 16


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of record of one connection, and the flow that its changes start."""

    source: Source
    kind: str
    flow: Flow


@dataclass(slots=True)
class _Batch:
    """What was read and is not stored yet; `reached` is the cursor of the last complete page."""

    again: bool
    backfill: bool
    told: list[messages.Arrival] = field(default_factory=list[messages.Arrival])
    reached: str | None = None
    swept: bool = False


class _Storing:
    """Stores one batch at a time, in order, and lets whoever brings it go on; at the end of the block all is stored."""

    def __init__(self, store: Callable[[_Batch], Coroutine[Any, Any, int]]) -> None:
        self.new = 0
        self._store = store
        self._task: asyncio.Task[int] | None = None

    async def take(self, batch: _Batch) -> None:
        """Begins, when the batch before it is stored. Raises what that one raised."""
        await self.stored()
        self._task = asyncio.create_task(self._store(batch))

    async def stored(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            self.new += await task

    async def __aenter__(self) -> _Storing:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception) and self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        else:
            await self.stored()


class Intake:
    """Nothing here decides: it stores what the sources say, once, and queues a run for it.

    `full` says when a source is to be read later; whole pages give way to persons whose runs are under way (`courtesy`).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        feeds: Sequence[Feed],
        full: Full = never,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.feeds = feeds
        self._full = full
        self._courtesy = courtesy or Courtesy()

    async def sweep(self, feed: Feed) -> int:
        """Reads every change since the cursor; what was read and the cursor are committed together. Returns what was new.

        Pages are gathered until they are as many records as one run takes, for a second at most. A page that could not be
        read completely brings its records in and leaves the cursor where it was. While too much waits for what the feed leads
        to, nothing more is read of it than what is on its way already.
        """
        async with self._database.transaction() as tx:
            if await firm.connection_state(tx, feed.source.name) != "active":
                return 0
            begun = await cursors.where(tx, feed.source.name, feed.kind)
        async with _Storing(partial(self._take, feed)) as storing:
            await self._read(feed, begun, storing)
        return storing.new

    async def _read(self, feed: Feed, begun: cursors.Cursor, storing: _Storing) -> None:
        """Page after page; what was read is stored while the next ones are on their way."""
        lane: Lane = "backfill" if begun.backfill else feed.flow.errand
        more, cursor, batch, since = True, begun.value, _Batch(begun.again, begun.backfill), self._clock()
        # Single records are nobody's volume: they neither give way nor owe it.
        courtesy = self._courtesy if feed.flow.page > 1 else Courtesy()
        why = await self._full(feed.flow, lane)
        while more and not why:
            try:
                with errand(lane):
                    page = await feed.source.changes(feed.kind, cursor)
            except Exception:  # what came before it does not wait for the next round
                await storing.take(batch)
                raise
            batch.told += [_arrival(each) for each in page.changes]
            if page.complete:
                batch.reached, batch.swept = page.cursor, not page.more
            more, cursor = page.more and page.complete, page.cursor
            if not more or len(batch.told) >= courtesy.size(feed.flow.page) or self._clock() - since >= _GATHERED:
                with courtesy.working():
                    await storing.stored()
                await courtesy.give()
                why = await self._full(feed.flow, lane) if more else ""
                await storing.take(batch)
                batch, since = _Batch(begun.again, begun.backfill), self._clock()
        if why:
            await storing.stored()
            async with self._database.transaction() as tx:
                await cursors.read_later(tx, feed.source.name, feed.kind, why, self._clock())

    async def _take(self, feed: Feed, batch: _Batch) -> int:
        """Stores what was told, with the cursor that it reaches to, and queues its runs; how much was new."""
        name = feed.source.name
        async with self._database.transaction() as tx:
            new = await self._store(tx, feed, batch.told, "sweep", again=batch.again, backfill=batch.backfill)
            if batch.reached is not None:
                await cursors.advance(tx, name, feed.kind, batch.reached, self._clock(), swept=batch.swept)
            await self._start(tx, feed, backfill=batch.backfill)
        return new

    async def answer_bells(self, source: Source) -> int:
        """Reads again every record that rang, some at once; their rings are answered when what was read is committed.

        What could not be read waits for the next time, and the others that were read with it do not.
        """
        async with self._database.transaction() as tx:
            waiting = await messages.unanswered(tx, source.name, _BELLS)
            used_again = await bells.used_again(tx, source.name) if waiting else []
        for each in used_again:
            log.warning("the system that rings used one id for two contents", connection=source.name, id=each)
        for kind in sorted({each["kind"] for each in waiting}):
            feeds = [each for each in self.feeds if each.source is source and each.kind == kind]
            size = _BELLS if any(each.flow.page > 1 for each in feeds) else _LOOKS
            records = [each["record_id"] for each in waiting if each["kind"] == kind]
            for first in range(0, len(records), size):
                await self._answer(source, kind, records[first : first + size], feeds)
        return len(waiting)

    async def _answer(self, source: Source, kind: str, records: Sequence[str], feeds: Sequence[Feed]) -> None:
        """Raises what one of them could not be read for, when the others are stored."""
        asked, found = self._clock(), list[tuple[str, Change | None]]()
        failed: BaseException | None = None
        with errand(feeds[0].flow.errand if feeds else "master"):
            for first in range(0, len(records), _LOOKS):
                some = records[first : first + _LOOKS]
                looks = (source.look(Ref(source.name, kind, each)) for each in some)
                looked = await asyncio.gather(*looks, return_exceptions=True)
                for record, change in zip(some, looked, strict=True):
                    if isinstance(change, BaseException):
                        failed = change
                    else:
                        found.append((record, change))
        async with self._database.transaction() as tx:
            told = [_arrival(change) for _, change in found if change is not None]
            if feeds:
                await self._store(tx, feeds[0], told, "doorbell")
            else:
                await messages.record(tx, told, via="doorbell", now=self._clock())
            await messages.answered(tx, source.name, kind, [record for record, _ in found], asked, self._clock())
            for feed in feeds:
                await self._start(tx, feed)
        if failed is not None:
            raise failed

    async def _store(
        self,
        tx: Tx,
        feed: Feed,
        told: Sequence[messages.Arrival],
        via: str,
        *,
        again: bool = False,
        backfill: bool = False,
    ) -> int:
        """Stores what was told; how much of it was new. What goes in pages is in flight at once, with the run of its page, or with
        one that has room and was not begun."""
        if feed.flow.page == 1:
            return len(await messages.record(tx, told, via=via, now=self._clock(), again=again))
        flow, new, size = feed.flow, 0, self._courtesy.size(feed.flow.page)
        for first in range(0, len(told), size):
            for lane, page in _in_lanes(told[first : first + size], lambda each: flow.lane(_row(each))).items():
                waits = await runs.unbegun(tx, flow.name, lane, backfill=backfill)
                joins = waits is not None and waits["messages"] + len(page) <= size
                subject = f"{feed.source.name}/{feed.kind}/{await messages.next_number(tx)}"
                run = waits["id"] if waits is not None and joins else run_id(flow.name, subject, "1")
                more, in_flight = await messages.record_page(
                    tx, page, via=via, now=self._clock(), again=again, run_id=run
                )
                if in_flight and not joins:
                    await self._queue(tx, flow, subject, "1", lane, backfill)
                new += more
        return new

    async def _start(self, tx: Tx, feed: Feed, *, backfill: bool = False) -> None:
        """Queues runs for messages that none has taken: one each, or one for a page of them."""
        name, kind, flow = feed.source.name, feed.kind, feed.flow
        if flow.page > 1:
            while untaken := await messages.waiting(tx, name, kind, flow.page):
                for lane, page in _in_lanes(untaken, flow.lane).items():
                    ids = [each["id"] for each in page]
                    subject = f"{name}/{kind}/{ids[0]}-{ids[-1]}"
                    await self._queue(tx, flow, subject, content_hash(ids)[:12], lane, backfill)
                    await messages.assign(tx, ids, run_id(flow.name, subject, content_hash(ids)[:12]))
        else:
            while waiting := await messages.waiting(tx, name, kind, 200):
                queued = {each["id"]: _one(flow, each, backfill) for each in waiting}
                await runs.queue_all(tx, list(queued.values()), self._clock())
                await messages.assign_each(tx, {each: run.id for each, run in queued.items()})

    async def _queue(self, tx: Tx, flow: Flow, subject: str, version: str, lane: str, backfill: bool) -> None:
        wanted = runs.Queued(run_id(flow.name, subject, version), flow.name, subject, version, lane, backfill=backfill)
        await runs.queue_all(tx, [wanted], self._clock())


async def store_pages(
    tx: Tx, source: str, kind: str, told: Sequence[messages.Arrival], *, flow: str, page: int, via: str, now: datetime,
    again: bool = False, backfill: bool = False,
) -> int:  # fmt: skip
    """Stores what was told, each page in flight with a run of its own; how much was new. Pages of one source and kind are serial."""
    new = 0
    for first in range(0, len(told), page):
        subject = f"{source}/{kind}/{await messages.next_number(tx)}"
        run = run_id(flow, subject, "1")
        some = told[first : first + page]
        more, in_flight = await messages.record_page(tx, some, via=via, now=now, again=again, run_id=run)
        if in_flight:
            lane = f"{source}/{kind}"
            await runs.queue(tx, run, flow=flow, subject=subject, version="1", lane=lane, now=now, backfill=backfill)
        new += more
    return new


def _in_lanes(page: Sequence[T], lane_of: Callable[[T], str]) -> dict[str, list[T]]:
    """What of a page goes one after the other, in the order in which it came."""
    lanes: dict[str, list[T]] = {}
    for each in page:
        lanes.setdefault(lane_of(each), []).append(each)
    return lanes


def _row(told: messages.Arrival) -> Row:
    """What is told as a row of its table, as far as a lane depends on it."""
    return {"connection": told.connection, "kind": told.kind, "record_id": told.record_id, "payload": told.payload}


def _one(flow: Flow, message: Row, backfill: bool) -> runs.Queued:
    """The run of one message."""
    subject = str(Ref(message["connection"], message["kind"], message["record_id"]))
    version, lane = message["version"], flow.lane(message)
    return runs.Queued(run_id(flow.name, subject, version), flow.name, subject, version, lane, backfill=backfill)


def _arrival(change: Change) -> messages.Arrival:
    amount = change.amount.rounded() if change.amount else None
    return messages.Arrival(
        connection=change.ref.connection,
        kind=change.ref.kind,
        record_id=change.ref.id,
        version=change.version,
        currency=amount.currency if amount else "",
        amount_minor=amount.minor if amount else 0,
        payload=change.record,
        deleted=change.deleted,
        merged_into=change.merged_into,
    )
