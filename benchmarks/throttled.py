"""W4: a month of back-fill into a PSA that throttles, by two workers, while deals come in; then ten times the backlog."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psutil
from pydantic import SecretStr

from tieout.connectors.contract import Opening, Sink, Write
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC
from tieout.connectors.kantata.emulator import KantataAccount, KantataUser
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.limits.pace import Heard
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.limiter import ConnectionGate, Limiter
from tieout.engine.outlook import outlook
from tieout.engine.run import Run, flow
from tieout.store import runs, workers
from tieout.store.database import Database, row

from .ground import ground, now, until
from .measuring import Figure, percentile, spread

LINES, ALLOWED = 1_200, 20
# Places of each of the two workers, seconds that a call takes on the network, writes of a deal, seconds between two deals.
_PLACES, _NETWORK, _WRITES, _EVERY = 8, 0.02, 4, 0.5
_FIRM = Firm(
    name="Acme",
    entities=(LegalEntity(code="US", name="Acme Inc.", currency="USD"),),
    connections={"kantata": ConnectionSettings(kind="kantata", role="psa")},
)


@dataclass(frozen=True, slots=True)
class _Systems:
    psa: Sink
    effects: Effects


async def _write(run: Run, systems: _Systems, name: str) -> None:
    body = {"key": name, "name": name, "email": "ap@globex.example"}
    await run.step(name, systems.effects.perform, systems.psa, Write("client.create", name, "1", body))


@flow(version=1, title="A line of the back-fill: one write")
async def line(run: Run, systems: _Systems) -> None:
    await _write(run, systems, run.subject)


@flow(version=1, title="A deal that somebody waits for: writes one after the other", errand="interactive")
async def deal(run: Run, systems: _Systems) -> None:
    for n in range(_WRITES):
        await _write(run, systems, f"{run.subject}-{n}")


@dataclass
class _Network(httpx2.AsyncBaseTransport):
    """The way to the account, on which answers are counted."""

    inner: httpx2.AsyncBaseTransport
    answered: Counter[int] = field(default_factory=Counter[int])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        await asyncio.sleep(_NETWORK)
        self.answered[response.status_code] += 1
        return response


@contextmanager
def _throttling() -> Generator[tuple[KantataAccount, _Network], None, None]:
    """The account's minute passes in a second: it allows so many calls in each."""
    hub = KantataUser("hub@firm.example", "Hub", permission="administrator", token="t")  # noqa: S106
    account = KantataAccount(
        now, users=[hub], seed=1, seconds=lambda: time.monotonic() * 60, requests_per_minute=ALLOWED
    )
    try:
        yield account, _Network(httpx2.ASGITransport(account.asgi()))
    finally:
        account.close()


async def measure(lines: int = LINES) -> list[Figure]:
    async with ground() as on:
        cost = await _leave(on.database)
        async with on.database.transaction() as tx:
            await tx.execute("delete from pace")
        with _throttling() as (account, network):
            async with _workers(on.database, network):
                idle = await _deals(on.database, "idle", lambda n: n == 20)
                async with on.database.transaction() as tx:
                    await tx.execute("delete from pace")  # what the vendor allows is not known yet
                told = await _backfill(on.database, network, lines)
                memory = [_memory()]
                await _queue(on.database, "line", [f"more-{n}" for n in range(10 * lines)], backfill=True)
                await asyncio.sleep(10)
                memory.append(_memory())
            _prove(account, lines, told["deals"])
    ideal = told["calls"] / ALLOWED
    return [
        Figure(
            f"{lines:,} lines and {len(told['deals'])} deals at {ALLOWED} calls a second", told["seconds"], "s", ideal,
            "every call carried out at the moment at which the vendor allows it", {},
            {"refused, %": told["refused"], "forecast at half time wrong by, %": told["wrong"], "lost": 0, "doubled": 0,
             "memory, MB": memory[0], "with ten times the backlog": memory[1]},
        ),
        Figure(
            "a deal beside it, p95", percentile(told["deals"], 0.95), "s", percentile(idle, 0.95), "the same without back-fill",
            {}, {**spread(told["deals"]), "median without": percentile(idle, 0.5)},
        ),
        cost,
    ]  # fmt: skip


@asynccontextmanager
async def _workers(database: Database, network: httpx2.AsyncBaseTransport) -> AsyncGenerator[None, None]:
    """Two workers, each with its own limiter and connection, in one process."""
    config = KantataConfig(url="http://kantata.test", token=SecretStr("t"))
    async with AsyncExitStack() as stack:
        places: list[asyncio.Task[None]] = []
        for name in ("one", "other"):
            async with database.transaction() as tx:
                await workers.enter(tx, name, len(name), now())
            limiter = Limiter(database, now, lambda: _FIRM, name)
            stack.push_async_callback(limiter.close)
            psa: Any = SPEC.open(Opening("kantata", config, {}, network, limiter.gate("kantata")))
            stack.push_async_callback(psa.close)
            executor = Executor(
                database, now, lambda: now().date(), [line, deal],
                lambda effects, *_, psa=psa: _Systems(psa, effects), lambda: _FIRM, name, leave=limiter.ahead,
            )  # fmt: skip
            places += [asyncio.create_task(_place(database, executor)) for _ in range(_PLACES)]
        try:
            yield
        finally:
            for each in places:
                each.cancel()
            await asyncio.gather(*places, return_exceptions=True)


async def _place(database: Database, executor: Executor) -> None:
    while True:
        async with database.transaction() as tx:
            due = await runs.due(tx, now(), 1)
            await runs.handed_over(tx, [each["id"] for each in due])
        for each in due:
            await executor.execute(each["id"], each["generation"])
        if not due:
            await asyncio.sleep(0.02)


async def _queue(database: Database, flow_: str, subjects: list[str], *, backfill: bool = False) -> None:
    async with database.transaction() as tx:
        for each in subjects:
            await runs.queue(
                tx, f"{flow_}:{each}:1", flow=flow_, subject=each, version="1", lane=each, now=now(), backfill=backfill
            )


async def _done(database: Database, subject: str) -> bool:
    async with database.transaction() as tx:
        found = await runs.get(tx, f"deal:{subject}:1")
    return found is not None and found["state"] == "done"


async def _deals(database: Database, name: str, over: Callable[[int], bool]) -> list[float]:
    """Deals one after the other, until it is over; how long each took, from its moment on."""
    took: list[float] = []
    while not over(len(took)):
        began, subject = time.monotonic(), f"{name}-{len(took)}"
        await _queue(database, "deal", [subject])
        await until(lambda subject=subject: _done(database, subject), 60, subject)
        took.append(time.monotonic() - began)
        await asyncio.sleep(_EVERY)
    return took


async def _backfill(database: Database, network: _Network, lines: int) -> dict[str, Any]:
    network.answered.clear()
    await _queue(database, "line", [f"line-{n}" for n in range(lines)], backfill=True)

    async def left() -> int:
        async with database.transaction() as tx:
            found = await row(tx, "select count(*)::integer as n from run where flow = 'line' and state <> 'done'")
        assert found is not None
        return found["n"]

    async def over() -> bool:
        return await left() == 0

    async def half_done() -> bool:
        return await left() < 0.5 * lines

    began, finished = time.monotonic(), asyncio.Event()
    deals = asyncio.create_task(_deals(database, "busy", lambda _: finished.is_set()))
    await until(half_done, 600, "half of the back-fill")
    async with database.transaction() as tx:
        ahead = {each.connection: each for each in await outlook(tx, _FIRM, [line, deal], now())}["kantata"].forecast
    assert ahead is not None
    assert ahead.ends is not None
    await until(over, 600, "all of the back-fill")
    seconds, ended = time.monotonic() - began, now()
    finished.set()
    told = await deals
    calls, refused = network.answered.total() - network.answered[429], network.answered[429]
    return {
        "seconds": seconds, "calls": calls, "refused": 100 * refused / (calls + refused), "deals": told,
        "wrong": 100 * abs((ahead.ends - ended).total_seconds()) / seconds,
    }  # fmt: skip


def _prove(account: KantataAccount, lines: int, deals: list[float]) -> None:
    """Every line and every write of a deal is there, once."""
    names = Counter(each["name"] for each in account.records.all("workspace_groups"))
    wanted = {f"line-{n}" for n in range(lines)} | {f"busy-{n}-{w}" for n in range(len(deals)) for w in range(_WRITES)}
    assert wanted <= names.keys(), sorted(wanted - names.keys())[:5]
    assert max(names.values()) == 1, names.most_common(5)


async def _leave(database: Database) -> Figure:
    """What a call's leave costs where the system is known to be fast: 2,000 calls one after the other, 2 ms each."""
    async with database.transaction() as tx:
        await tx.execute("""insert into pace values ('kantata', '{"pace": {"rate": {"start": 2000}, "room": 200}}')""")
    limiter = Limiter(database, now, lambda: _FIRM, "cost")
    gate: ConnectionGate = limiter.gate("kantata")
    waited: list[float] = []
    cpu = time.process_time()
    for _ in range(2_000):
        began = time.perf_counter()
        await gate.enter()
        waited.append(1_000 * (time.perf_counter() - began))
        await asyncio.sleep(0.002)
        gate.leave(Heard(accepted=1))
    spent = 1_000 * (time.process_time() - cpu) / len(waited)
    await limiter.close()
    return Figure("leave for a call, mean", sum(waited) / len(waited), "ms", None, "", {"hub": spent}, spread(waited))


def _memory() -> float:
    """MB."""
    return psutil.Process(os.getpid()).memory_info().rss / 2**20
