"""While one batch is stored the next one is read, and the books are as if they had come one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest

from tieout.connectors.contract import Change, Page, Source
from tieout.domain.identity import Ref
from tieout.engine.intake import Feed, Intake
from tieout.engine.run import Run, flow
from tieout.store import cursors, messages
from tieout.store.database import Database, row, rows

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PAGES = 3


@flow(version=1, title="Notes a record")
async def note(run: Run, systems: Any) -> None:
    """Nothing is worked off here."""


@dataclass
class Records:
    """A system with a record on each page; `text` stands on the second one."""

    text: str = "fine"
    name: str = "crm"
    asked: int = 0
    second: asyncio.Event = field(default_factory=asyncio.Event)

    async def changes(self, kind: str, since: str | None) -> Page:
        number = int(since or 0)
        self.asked += 1
        if self.asked == 2:
            self.second.set()
        record = {"text": self.text if number == 1 else "fine"}
        change = Change(Ref(self.name, kind, str(number)), f"{number:04}#x", record)
        return Page([change], str(number + 1), more=number + 1 < PAGES)


async def hub(database: Database, records: Records) -> Intake:
    async with database.transaction() as tx:
        await tx.execute("insert into connection (name, kind, role) values ('crm', 'salesforce', 'crm')")
    return Intake(database, lambda: NOW, [Feed(cast(Source, records), "note", note)])


async def known(database: Database) -> tuple[list[str], str | None]:
    """The records that are stored, in the order in which they were, and the cursor."""
    async with database.transaction() as tx:
        found = await rows(tx, "select record_id from message order by id")
        return [each["record_id"] for each in found], (await cursors.where(tx, "crm", "note")).value


async def test_the_next_page_is_read_while_one_is_stored(database: Database) -> None:
    records = Records()
    intake = await hub(database, records)
    async with database.transaction() as busy:
        await row(busy, "select pg_advisory_xact_lock(%s, hashtext('crm/note'))", (messages._ORDER,))  # pyright: ignore
        sweep = asyncio.create_task(intake.sweep(intake.feeds[0]))
        await records.second.wait()
        await asyncio.sleep(0.05)
        assert records.asked == 2, "one batch ahead and no more"
        assert await known(database) == ([], None)
    assert await sweep == PAGES
    assert await known(database) == (["0", "1", "2"], "3")


async def test_what_cannot_be_stored_ends_the_reading_where_it_was(database: Database) -> None:
    records = Records(text="\0")
    intake = await hub(database, records)
    with pytest.raises(psycopg.DataError):
        await intake.sweep(intake.feeds[0])
    assert await known(database) == (["0"], "1")
    records.text = "fine"
    assert await intake.sweep(intake.feeds[0]) == 2
    assert await known(database) == (["0", "1", "2"], "3")


async def test_a_sweep_that_is_told_to_end_leaves_nothing_half_stored(database: Database) -> None:
    records = Records()
    intake = await hub(database, records)
    async with database.transaction() as busy:
        await row(busy, "select pg_advisory_xact_lock(%s, hashtext('crm/note'))", (messages._ORDER,))  # pyright: ignore
        sweep = asyncio.create_task(intake.sweep(intake.feeds[0]))
        await records.second.wait()
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
    assert await known(database) == ([], None)
