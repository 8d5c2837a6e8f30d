"""Brings in what changed: sweeps with overlap, doorbells that are followed and never believed, and starts the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from tieout.connectors.contract import Change, Source
from tieout.domain.identity import Ref, content_hash
from tieout.domain.limits.settings import Lane
from tieout.engine.errand import errand
from tieout.engine.execution import run_id
from tieout.engine.pressure import Full, never
from tieout.engine.run import Clock, Flow
from tieout.store import bells, firm, messages, runs
from tieout.store.database import Database, Tx

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of record of one connection, and the flow that its changes start."""

    source: Source
    kind: str
    flow: Flow


class Intake:
    """Nothing here decides: it stores what the sources say, once, and queues a run for it.

    `full` says when a source is to be read later.
    """

    def __init__(self, database: Database, clock: Clock, feeds: Sequence[Feed], full: Full = never) -> None:
        self._database = database
        self._clock = clock
        self.feeds = feeds
        self._full = full

    async def sweep(self, feed: Feed) -> int:
        """Reads every change since the cursor; the page and the cursor are committed together. Returns what was new.

        A page that could not be read completely brings its records in and leaves the cursor where it was. While too much
        waits for what the feed leads to, nothing more is read of it.
        """
        name, new, untaken = feed.source.name, 0, 0
        async with self._database.transaction() as tx:
            if await firm.connection_state(tx, name) != "active":
                return 0
            begun = await messages.cursor(tx, name, feed.kind)
        more, cursor, backfill = True, begun.value, begun.backfill
        while more:
            if why := await self._full(feed.flow, "backfill" if backfill else feed.flow.errand):
                async with self._database.transaction() as tx:
                    await messages.read_later(tx, name, feed.kind, why, self._clock())
                    await self._start(tx, feed, backfill=backfill)
                break
            try:
                with errand("backfill" if backfill else feed.flow.errand):
                    page = await feed.source.changes(feed.kind, cursor)
            except Exception:  # what came before it does not wait for the next round
                async with self._database.transaction() as tx:
                    await self._start(tx, feed, backfill=backfill)
                raise
            async with self._database.transaction() as tx:
                stored = await messages.record(
                    tx, [_arrival(each) for each in page.changes], via="sweep", now=self._clock(), again=begun.again
                )
                if page.complete:
                    await messages.advance(tx, name, feed.kind, page.cursor, self._clock(), swept=not page.more)
                new, untaken = new + len(stored), untaken + len(stored)
                more, cursor = page.more and page.complete, page.cursor
                if untaken >= feed.flow.page or not more:
                    await self._start(tx, feed, backfill=backfill)
                    untaken = 0
        return new

    async def answer_bells(self, source: Source) -> int:
        """Reads again every record that rang; the ring is answered when what was read is committed."""
        async with self._database.transaction() as tx:
            waiting = await messages.unanswered(tx, source.name, 200)
            used_again = await bells.used_again(tx, source.name) if waiting else []
        for each in used_again:
            log.warning("the system that rings used one id for two contents", connection=source.name, id=each)
        for bell in waiting:
            asked = self._clock()
            with errand(self._errand(source, bell["kind"])):
                change = await source.look(Ref(source.name, bell["kind"], bell["record_id"]))
            async with self._database.transaction() as tx:
                if change is not None:
                    await messages.record(tx, [_arrival(change)], via="doorbell", now=self._clock())
                await messages.answered(tx, source.name, bell["kind"], bell["record_id"], asked, self._clock())
                for feed in self.feeds:
                    if feed.source is source and feed.kind == bell["kind"]:
                        await self._start(tx, feed)
        return len(waiting)

    def _errand(self, source: Source, kind: str) -> Lane:
        """How pressing it is to answer a ring."""
        told: list[Lane] = [each.flow.errand for each in self.feeds if each.source is source and each.kind == kind]
        return told[0] if told else "master"

    async def _start(self, tx: Tx, feed: Feed, *, backfill: bool = False) -> None:
        """Queues runs for messages that none has taken: one each, or one for a page of them."""
        name, kind, flow = feed.source.name, feed.kind, feed.flow
        if flow.page > 1:
            while ids := await messages.next_page(tx, name, kind, flow.page):
                subject = f"{name}/{kind}/{ids[0]}-{ids[-1]}"
                await self._queue(tx, flow, subject, content_hash(ids)[:12], f"{name}/{kind}", ids, backfill)
        else:
            while waiting := await messages.waiting(tx, name, kind, 200):
                for each in waiting:
                    subject = str(Ref(each["connection"], each["kind"], each["record_id"]))
                    await self._queue(tx, flow, subject, each["version"], flow.lane(each), [each["id"]], backfill)

    async def _queue(
        self, tx: Tx, flow: Flow, subject: str, version: str, lane: str, messages_: Sequence[int], backfill: bool
    ) -> None:
        id_ = run_id(flow.name, subject, version)
        await runs.queue(
            tx, id_, flow=flow.name, subject=subject, version=version, lane=lane, now=self._clock(), backfill=backfill
        )
        await messages.assign(tx, messages_, id_)


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
