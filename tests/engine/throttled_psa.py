"""Two workers on one database, and a PSA that throttles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
from pydantic import SecretStr

from tieout.connectors.contract import Connector, Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC
from tieout.connectors.kantata.emulator import KantataAccount, KantataUser
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.limits.settings import Lane, LimitSettings
from tieout.domain.problems import Transient
from tieout.engine.errand import errand
from tieout.engine.limiter import Limiter
from tieout.engine.run import Clock
from tieout.store.database import Database

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def firm_with(limits: LimitSettings) -> Firm:
    """A firm with one system."""
    return Firm(
        name="Acme",
        entities=(LegalEntity(code="US", name="Acme Inc.", currency="USD"),),
        connections={"kantata": ConnectionSettings(kind="kantata", role="psa", limits=limits)},
    )


# What the account allows, in calls per second: its minutes pass in a second here.
ALLOWED = 60
CHECKS = 130  # two calls each


@dataclass
class Network(httpx2.AsyncBaseTransport):
    """The way to the account, on which calls and refusals are counted. Each takes 20 ms, as over a network."""

    inner: httpx2.AsyncBaseTransport
    answered: list[int] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        await asyncio.sleep(0.02)
        self.answered.append(response.status_code)
        return response

    @property
    def refused(self) -> float:
        return self.answered.count(429) / len(self.answered)


@contextmanager
def throttling(allowed: int = ALLOWED) -> Generator[Network, None, None]:
    """The way to an account that allows so many calls per second."""
    hub = KantataUser("hub@firm.example", "Hub", permission="administrator", token="t")
    account = KantataAccount(
        lambda: NOON, users=[hub], seed=1, seconds=lambda: time.monotonic() * 60, requests_per_minute=allowed
    )
    yield Network(httpx2.ASGITransport(account.asgi()))
    account.close()


async def until_done(psa: Connector) -> None:
    """Asks the PSA once, as often as it takes."""
    while True:
        try:
            await psa.check()
        except Transient as away:
            await asyncio.sleep(away.after or 0.1)
        else:
            return


@dataclass
class Workers:
    """Two processes' connections to the account, and how long calls of a lane took."""

    connections: list[Connector]
    limiters: list[Limiter]

    async def work(self, lane: Lane, calls: int, callers: int) -> list[float]:
        """So many calls by so many callers at each worker."""
        left, took = iter(range(calls)), list[float]()

        async def caller(psa: Connector) -> None:
            for _ in left:
                began = time.monotonic()
                with errand(lane, "US"):
                    await until_done(psa)
                took.append(time.monotonic() - began)

        await asyncio.gather(*(caller(each) for each in self.connections for _ in range(callers)))
        return took

    async def persons(self, until: asyncio.Task[list[float]]) -> list[float]:
        """Somebody who asks now and then, as long as the others work; the first seconds, in which the pace is found, count not."""
        await asyncio.sleep(1.5)
        took: list[float] = []
        while not until.done():
            took += await self.work("interactive", 1, 1)
            await asyncio.sleep(0.1)
        return sorted(took)


async def two_workers(
    stack: AsyncExitStack,
    database: Database,
    network: Network,
    sabotage: frozenset[str] = frozenset(),
    limits: LimitSettings | None = None,
    clock: Clock = lambda: NOON,
) -> Workers:
    firm = firm_with(limits or LimitSettings())
    config = KantataConfig(url="http://kantata.test", token=SecretStr("t"))
    workers = Workers([], [])
    for process in ("one", "other"):
        limiter = Limiter(database, clock, lambda: firm, process, sabotage)
        workers.limiters.append(limiter)
        stack.push_async_callback(limiter.close)
        workers.connections.append(SPEC.open(Opening("kantata", config, {}, network, limiter.gate("kantata"))))
        stack.push_async_callback(workers.connections[-1].close)
    return workers
