"""The composition root: builds the hub from settings, firm and connections, and hands everything down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
from pydantic import BaseModel, SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from tieout import __version__
from tieout.api.application import OWNS, api
from tieout.channels.catalogue import CHANNELS
from tieout.channels.contract import Channel
from tieout.connectors.catalogue import installed
from tieout.connectors.contract import Connector, ConnectorSpec, Doorbell, Gate, Opening
from tieout.console.application import console
from tieout.console.setting import Door, Environment, Visitor
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.engine.access import Access
from tieout.engine.delivery import Deliveries, notify_forever
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.limiter import Limiter
from tieout.engine.notices import Notices
from tieout.engine.operator import Operator
from tieout.engine.planner import Planner
from tieout.engine.pressure import Pressure
from tieout.engine.rehearsal import Rehearser
from tieout.engine.replay import Replays
from tieout.engine.rounds import Rounds
from tieout.engine.run import Calendar, Clock
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS, due
from tieout.settings import Settings
from tieout.store import firm as firms
from tieout.store.clock import DatabaseClock
from tieout.store.database import Database
from tieout.store.selfcheck import insist
from tieout.systems.register import Register
from tieout.systems.systems import systems_for

_RELOAD = 5.0


class NotApplied(Exception):
    """The database holds no firm yet: `tieout apply` comes first."""


def calendar_of(file: Path) -> Calendar:
    """The day that a rehearsal's file says."""
    return lambda: date.fromisoformat(file.read_text().strip())


def business_day(clock: Clock, firm: Callable[[], Firm]) -> Calendar:
    """Today, where the firm is."""
    return lambda: clock().astimezone(ZoneInfo(firm().time_zone)).date()


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
    replays: Replays
    planner: Planner
    access: Access
    intake: Intake
    rounds: Rounds
    notices: Notices
    deliveries: Deliveries
    executor: Executor
    worker: Worker
    clock: Clock
    calendar: Calendar

    def link(self, ref: Ref) -> str:
        """Where a person sees a record in its own system, or an empty text."""
        connection = self.connections.get(ref.connection)
        return connection.link(ref) if connection is not None else ""

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None, None]:
        """Makes the rounds, works off runs and tells people until the block ends."""
        async with self.worker.running():
            telling = notify_forever(self.notices, self.deliveries)
            work = (self.rounds.forever(), self.planner.forever(), telling, self._reload())
            loops = [asyncio.create_task(each) for each in work]
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
    channels: Mapping[str, BaseModel] | None = None,
    address: str = "",
    transports: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    connect: Callable[[str], Database] = Database,
    clock: Clock | None = None,
    calendar: Calendar | None = None,
    every: timedelta = timedelta(seconds=15),
    memory: int | None = None,
    sabotage: frozenset[str] = frozenset(),
    worker: str | None = None,
    alone: Callable[[str, str, int], Awaitable[int]] | None = None,
) -> AsyncGenerator[Hub, None]:
    """The hub of the firm in force. `configs` are the connections' settings by name, `channels` those of the channels;
    `address` is where people reach it. `transports` replace the network, `connect` the pool of database connections.

    Left out, `clock` is the database's, and `calendar` the firm's business day by it.
    `every` is how often the sources are swept; doorbells are answered at once. `memory` is the most that a process which
    works may hold, in bytes. `alone` carries out a run in a process of its own, for the worker that it is told first;
    `worker` is for whom this process does so, if it is such a one. Raises NotApplied, and Unsafe when the database would
    forget a committed transaction.
    """
    async with AsyncExitStack() as stack:
        database = connect(database_url)
        await database.open()
        stack.push_async_callback(database.close)
        clock = clock or await stack.enter_async_context(_running(DatabaseClock(database)))
        await insist(database, clock)
        firm = FirmInForce(await firm_in_force(database))
        calendar = calendar or business_day(clock, firm)
        kinds = installed()
        process = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        worker_id = worker or process
        # Leave is asked for by connections of its own: those who wait for it may hold all others.
        paces = Database(database_url, most=2)
        await paces.open()
        stack.push_async_callback(paces.close)
        limiter = Limiter(paces, clock, firm, process, sabotage)
        stack.push_async_callback(limiter.close)
        connections: dict[str, Connector] = {}
        for name, opening in openings(firm.firm, configs, transports or {}, limiter.gate).items():
            connections[name] = kinds[firm.firm.connections[name].kind].open(opening)
            stack.push_async_callback(connections[name].close)
        told: dict[str, Channel] = {}
        for name, config in (channels or {}).items():
            told[name] = CHANNELS[firm.firm.channels[name].kind].open(name, config)
            stack.push_async_callback(told[name].close)
        register = Register(database, clock)
        pressure = Pressure(database, clock, firm, FLOWS)
        systems = systems_for(connections, clock, sabotage)
        executor = Executor(
            database, clock, calendar, FLOWS, systems, firm, worker_id, sabotage, leave=limiter.ahead,
            alone=partial(alone, worker_id) if alone is not None else None,
        )  # fmt: skip
        intake = Intake(database, clock, feeds(firm.firm, connections, kinds), pressure, executor.courtesy)
        rehearser = Rehearser(database, clock, calendar, FLOWS, systems)
        rounds = Rounds(
            database, clock, calendar, intake, connections, lambda tx, today: due(tx, firm.firm, today), every=every
        )
        read = [(each.source.name, each.kind) for each in intake.feeds]
        yield Hub(
            database=database,
            firm=firm,
            connections=connections,
            doorbells=doorbells(firm.firm, openings(firm.firm, configs), kinds),
            register=register,
            operator=Operator(database, clock),
            replays=Replays(database, clock),
            planner=Planner(database, clock, firm, rehearser),
            access=Access(database, clock),
            intake=intake,
            rounds=rounds,
            notices=Notices(database, clock, firm, told, feeds=read, address=address),
            deliveries=Deliveries(database, clock, firm, told),
            executor=executor,
            worker=Worker(database, clock, executor, worker_id, memory=memory),
            clock=clock,
            calendar=calendar,
        )


@asynccontextmanager
async def _running(clock: DatabaseClock) -> AsyncGenerator[DatabaseClock, None]:
    """Asks the database for the time every few seconds: clocks drift, and are set."""
    await clock.ask()
    asking = asyncio.create_task(_ask_again(clock))
    try:
        yield clock
    finally:
        asking.cancel()


async def _ask_again(clock: DatabaseClock) -> None:
    while True:
        await asyncio.sleep(_RELOAD)
        with contextlib.suppress(Exception):  # while the database is away, the machine's own hands go on
            await clock.ask()


def web(hub: Hub, configs: Mapping[str, BaseModel], settings: Settings) -> ASGIApp:
    """The API and the doorbells at their addresses, the console everywhere else."""
    machines = api(
        hub.database,
        hub.operator,
        hub.replays,
        hub.access,
        firm=hub.firm,
        doorbells=hub.doorbells,
        clock=hub.clock,
        calendar=hub.calendar,
        wake=hub.rounds.bell.ring,
        secrets=_doorbell_secrets(configs),
        free_bytes=lambda: shutil.disk_usage(settings.home if settings.home.exists() else Path()).free,
    )
    people = console(
        hub.database, hub.operator, hub.replays, hub.access, hub.firm, hub.clock, hub.link,
        _surroundings(hub, configs, settings),
    )  # fmt: skip

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        mine = scope["type"] == "lifespan" or scope.get("path", "").startswith(OWNS)
        await (machines if mine else people)(scope, receive, send)

    return dispatch


def _doorbell_secrets(configs: Mapping[str, BaseModel]) -> dict[str, str]:
    """The last part of each doorbell's address, for connections that were given one: nobody else reaches the doorbell."""
    found = {name: getattr(config, "doorbell_secret", None) for name, config in configs.items()}
    return {name: secret.get_secret_value() for name, secret in found.items() if isinstance(secret, SecretStr)}


def _surroundings(hub: Hub, configs: Mapping[str, BaseModel], settings: Settings) -> Environment:
    """Only a sandbox shows its name and lets visitors in with one click."""
    kinds, file = installed(), settings.home / "visitors.json"
    doors = tuple(
        Door(
            name,
            kinds[each.kind].title,
            str(getattr(configs[name], "web_url", "") or getattr(configs[name], "url", "")),
        )
        for name, each in hub.firm().connections.items()
    )
    if settings.environment != "sandbox":
        return Environment("" if settings.environment == "production" else settings.environment, __version__, (), doors)
    visitors: list[dict[str, str]] = json.loads(file.read_text()) if file.exists() else []
    return Environment("sandbox", __version__, tuple(Visitor(**each) for each in visitors), doors)


async def firm_in_force(database: Database) -> Firm:
    async with database.transaction() as tx:
        stored = await firms.current(tx)
    if stored is None:
        raise NotApplied("The database holds no firm yet. Run `tieout apply` in the firm folder first.")
    return Firm.model_validate(stored["content"])


def openings(
    firm: Firm,
    configs: Mapping[str, BaseModel],
    transports: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    gate: Callable[[str], Gate] | None = None,
) -> dict[str, Opening]:
    return {
        name: Opening(name, configs[name], each.fields, (transports or {}).get(name), gate(name) if gate else None)
        for name, each in firm.connections.items()
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
