"""The composition root: builds the hub from settings, firm and connections, and hands everything down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
from pydantic import BaseModel

from tieout.connectors.catalogue import installed
from tieout.connectors.contract import Connector, ConnectorSpec, Doorbell, Opening
from tieout.domain.firm import Firm
from tieout.engine.access import Access
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.operator import Operator
from tieout.engine.rounds import Rounds
from tieout.engine.run import Calendar, Clock
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS, due
from tieout.store import firm as firms
from tieout.store.database import Database, check_durability
from tieout.systems.register import Register
from tieout.systems.systems import systems_for

_RELOAD = 5.0


class NotApplied(Exception):
    """The database holds no firm yet: `tieout apply` comes first."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def calendar_of(file: Path | None) -> Calendar:
    """Today, or the day that a rehearsal's file says."""
    if file is None:
        return lambda: utc_now().date()
    return lambda: date.fromisoformat(file.read_text().strip())


@dataclass(slots=True)
class FirmInForce:
    """The firm as it was last applied; re-read while the hub runs."""

    firm: Firm

    def __call__(self) -> Firm:
        return self.firm

    async def reload(self, database: Database) -> None:
        self.firm = await firm_in_force(database)


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything a process needs to work, built once."""

    database: Database
    firm: FirmInForce
    connections: Mapping[str, Connector]
    doorbells: Mapping[str, Doorbell]
    register: Register
    operator: Operator
    access: Access
    intake: Intake
    rounds: Rounds
    executor: Executor
    worker: Worker
    clock: Clock
    calendar: Calendar

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None, None]:
        """Makes the rounds and works off runs until the block ends."""
        async with self.worker.running():
            loops = [asyncio.create_task(self.rounds.forever()), asyncio.create_task(self._reload())]
            try:
                yield
            finally:
                for each in loops:
                    each.cancel()
                await asyncio.gather(*loops, return_exceptions=True)

    async def _reload(self) -> None:
        while True:
            await asyncio.sleep(_RELOAD)
            with contextlib.suppress(Exception):  # the old firm stays in force while the database is away
                await self.firm.reload(self.database)


@asynccontextmanager
async def open_hub(
    database_url: str,
    configs: Mapping[str, BaseModel],
    *,
    transports: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    clock: Clock = utc_now,
    calendar: Calendar = calendar_of(None),  # noqa: B008 - a function of no state
    every: timedelta = timedelta(seconds=15),
    sabotage: frozenset[str] = frozenset(),
) -> AsyncGenerator[Hub, None]:
    """The hub of the firm in force. `configs` are the connections' settings by name, `transports` replace the network.

    `every` is how often the sources are swept; doorbells are answered at once. Raises NotApplied, and Unsafe when the
    database would forget a committed transaction.
    """
    async with AsyncExitStack() as stack:
        database = Database(database_url)
        await database.open()
        stack.push_async_callback(database.close)
        await check_durability(database)
        firm = FirmInForce(await firm_in_force(database))
        kinds = installed()
        connections: dict[str, Connector] = {}
        for name, opening in openings(firm.firm, configs, transports or {}).items():
            connections[name] = kinds[firm.firm.connections[name].kind].open(opening)
            stack.push_async_callback(connections[name].close)
        register = Register(database, clock)
        intake = Intake(database, clock, feeds(firm.firm, connections, kinds))
        worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        systems = systems_for(firm, connections, database, register)
        executor = Executor(database, clock, calendar, FLOWS, systems, worker_id, sabotage)
        rounds = Rounds(
            database, clock, calendar, intake, connections, lambda tx, today: due(tx, firm.firm, today), every=every
        )
        yield Hub(
            database=database,
            firm=firm,
            connections=connections,
            doorbells=doorbells(firm.firm, openings(firm.firm, configs, {}), kinds),
            register=register,
            operator=Operator(database, clock),
            access=Access(database, clock),
            intake=intake,
            rounds=rounds,
            executor=executor,
            worker=Worker(database, clock, executor, worker_id),
            clock=clock,
            calendar=calendar,
        )


async def firm_in_force(database: Database) -> Firm:
    async with database.transaction() as tx:
        stored = await firms.current(tx)
    if stored is None:
        raise NotApplied("The database holds no firm yet. Run `tieout apply` in the firm folder first.")
    return Firm.model_validate(stored["content"])


def openings(
    firm: Firm, configs: Mapping[str, BaseModel], transports: Mapping[str, httpx2.AsyncBaseTransport]
) -> dict[str, Opening]:
    return {
        name: Opening(name, configs[name], each.fields, transports.get(name)) for name, each in firm.connections.items()
    }


def feeds(firm: Firm, connections: Mapping[str, Connector], kinds: Mapping[str, ConnectorSpec]) -> list[Feed]:
    """One feed for each kind of record that a connection tells of and a flow starts on."""
    found: list[Feed] = []
    for name, settings in firm.connections.items():
        for flow in FLOWS:
            if flow.starts_on is not None and flow.starts_on[0] == settings.role:
                kind = flow.starts_on[1]
                if kind in kinds[settings.kind].reads:
                    found.append(Feed(connections[name], kind, flow))  # pyright: ignore[reportArgumentType] - it reads
    return found


def doorbells(firm: Firm, openings: Mapping[str, Opening], kinds: Mapping[str, ConnectorSpec]) -> dict[str, Doorbell]:
    found: dict[str, Doorbell] = {}
    for name, settings in firm.connections.items():
        make = kinds[settings.kind].doorbell
        if make is not None:
            found[name] = make(openings[name])
    return found
