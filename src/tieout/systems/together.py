"""The hub's books as all runs of a process use them: what several ask or write at the same moment is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from tieout.domain.values import ValueTables
from tieout.engine.gathering import Gathering
from tieout.store import crosswalk, expenses, firm, time, timesheets, together, usage
from tieout.store.crosswalk import Link
from tieout.store.database import Database, Tx

I = TypeVar("I")  # noqa: E741 - an item
A = TypeVar("A")
# Groups under way at once, as in the journal.
_TURNS = 2


class Together:
    """One for a database. Each verb is one statement, or one transaction, for all who need it at the moment."""

    def __init__(self, database: Database) -> None:
        self.database, turns = database, asyncio.Semaphore(_TURNS)

        def reads(ask: Callable[[Tx, Sequence[I]], Awaitable[Sequence[A]]]) -> Gathering[I, A]:
            return Gathering(database.statement, ask, turns=turns)

        self.save = Gathering(
            database.transaction, together.save, lambda each: (each.document.kind, each.document.key), turns=turns
        )
        self.link = Gathering(database.transaction, _link, turns=turns)
        self.shown = Gathering(database.single, together.shown, lambda each: each[:3], turns=turns)
        self.latest = reads(together.latest)
        self.projects_of = reads(together.projects_of)
        self.record = reads(together.records)
        self.key = reads(together.keys)
        self.override = reads(together.overrides)
        self.shown_otherwise = reads(together.shown_otherwise)
        self.values = reads(_values)
        self.deliverable = reads(_deliverable)
        self.early_time = reads(_early_time)
        self.early_expenses = reads(_early_expenses)
        self.usage_sources = reads(_usage_sources)


async def _link(tx: Tx, links: Sequence[Link]) -> list[None]:
    await crosswalk.link_all(tx, links)
    return [None] * len(links)


async def _values(tx: Tx, moments: Sequence[datetime | None]) -> list[ValueTables]:
    """The value tables as they stood at a moment, None for now: they are the same for all who ask at once."""
    tables = {at: ValueTables(await firm.values(tx, at=at)) for at in set(moments)}
    return [tables[at] for at in moments]


async def _early_time(tx: Tx, projects: Sequence[str]) -> list[dict[str, list[str]]]:
    """One after another: whoever waits here for others goes on with them."""
    return [_by_connection(await time.early(tx, each)) for each in projects]


async def _early_expenses(tx: Tx, projects: Sequence[str]) -> list[dict[str, list[str]]]:
    return [await expenses.early(tx, each) for each in projects]


async def _usage_sources(tx: Tx, engagements: Sequence[str]) -> list[list[str]]:
    return [await usage.sources(tx, each) for each in engagements]


def _by_connection(found: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for each in found:
        ids.setdefault(each["connection"], []).append(each["source_id"])
    return ids


async def _deliverable(tx: Tx, asked: Sequence[None]) -> list[list[str]]:
    entities = await timesheets.to_deliver(tx)
    return [entities] * len(asked)
