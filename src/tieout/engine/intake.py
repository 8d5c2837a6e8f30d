"""Brings in what changed: sweeps with overlap, doorbells that are followed and never believed, and starts the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from tieout.connectors.contract import Change, Source
from tieout.domain.identity import Ref, content_hash
from tieout.engine.execution import run_id
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
    """Nothing here decides: it stores what the sources say, once, and queues a run for it."""

    def __init__(self, database: Database, clock: Clock, feeds: Sequence[Feed]) -> None:
        self._database = database
        self._clock = clock
        self.feeds = feeds

    async def sweep(self, feed: Feed) -> int:
        """Reads every change since the cursor; the page and the cursor are committed together. Returns what was new.

        A page that could not be read completely brings its records in and leaves the cursor where it was.
        """
        name, new = feed.source.name, 0
        async with self._database.transaction() as tx:
            if await firm.connection_state(tx, name) != "active":
                return 0
            cursor, again = await messages.cursor(tx, name, feed.kind)
        more = True
        while more:
            page = await feed.source.changes(feed.kind, cursor)
            async with self._database.transaction() as tx:
                stored = await messages.record(
                    tx, [_arrival(each) for each in page.changes], via="sweep", now=self._clock(), again=again
                )
                if page.complete:
                    await messages.advance(tx, name, feed.kind, page.cursor, self._clock(), swept=not page.more)
                await self._start(tx, feed)
            new += len(stored)
            more, cursor = page.more and page.complete, page.cursor
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
            change = await source.look(Ref(source.name, bell["kind"], bell["record_id"]))
            async with self._database.transaction() as tx:
                if change is not None:
                    await messages.record(tx, [_arrival(change)], via="doorbell", now=self._clock())
                await messages.answered(tx, source.name, bell["kind"], bell["record_id"], asked, self._clock())
                for feed in self.feeds:
                    if feed.source is source and feed.kind == bell["kind"]:
                        await self._start(tx, feed)
        return len(waiting)

    async def _start(self, tx: Tx, feed: Feed) -> None:
        """Queues runs for messages that none has taken: one each, or one for a page of them."""
        while waiting := await messages.waiting(tx, feed.source.name, feed.kind, max(feed.flow.page, 200)):
            if feed.flow.page > 1:
                for first in range(0, len(waiting), feed.flow.page):
                    page = waiting[first : first + feed.flow.page]
                    subject = f"{feed.source.name}/{feed.kind}/{page[0]['id']}-{page[-1]['id']}"
                    version = content_hash([each["id"] for each in page])[:12]
                    await self._queue(tx, feed.flow, subject, version, f"{feed.source.name}/{feed.kind}", page)
            else:
                for each in waiting:
                    subject = str(Ref(each["connection"], each["kind"], each["record_id"]))
                    await self._queue(tx, feed.flow, subject, each["version"], feed.flow.lane(each), [each])

    async def _queue(
        self, tx: Tx, flow: Flow, subject: str, version: str, lane: str, page: Sequence[Mapping[str, object]]
    ) -> None:
        id_ = run_id(flow.name, subject, version)
        await runs.queue(tx, id_, flow=flow.name, subject=subject, version=version, lane=lane, now=self._clock())
        await messages.assign(tx, [int(str(each["id"])) for each in page], id_)


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
