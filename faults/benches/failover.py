"""The primary dies under load, its synchronous standby takes over: what was acknowledged is there, and the hub goes on."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from faults.bench import Bench, Budget, Outcome, Progress
from faults.cluster import Pair, pair
from faults.door import Sender, environment, founded, serving
from tieout.store.database import rows
from tieout.testing.database import opened

_FAILOVERS, _LOAD, _LONGEST_STALL, _NOTICED = 10, 1.5, 10.0, 60.0


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, times = Outcome(), budget.goal(_FAILOVERS)
    outcome.saboteurs["an asynchronous standby that falls behind"] = await _behind(outcome)
    with tempfile.TemporaryDirectory(prefix="tieout-failover-") as name, pair(Path(name), synchronous=True) as servers:
        told = environment(Path(name) / "home", servers.url)
        await founded(told)
        servers.add_standby()
        log = Path(name) / "hub.log"
        async with serving(told, log) as address, serving(told, log, role="worker"), _loaded(address) as sender:
            stalls, noticed = await _fail_over_often(servers, sender, times, budget, progress)
            await asyncio.sleep(_LOAD)
        await _count(outcome, sender, servers)
    outcome.real += len(stalls)
    if len(stalls) < times:
        outcome.cut_short = f"{len(stalls)} of {times} failovers"
    if max(stalls, default=0.0) > _LONGEST_STALL:
        outcome.lost += 1
        outcome.evidence.append(f"nothing was acknowledged for {max(stalls):.1f} s")
    outcome.measures |= {
        "failovers to a synchronous standby": (len(stalls), ""),
        "messages acknowledged": (len(sender.acknowledged), ""),
        "longest stall of intake": (max(stalls, default=0.0), "s"),
        "until the worker had noticed, at most": (max(noticed, default=0.0), "s"),
    }
    return outcome


async def _fail_over_often(
    servers: Pair, sender: Sender, times: int, budget: Budget, progress: Progress
) -> tuple[list[float], list[float]]:
    """How long intake stood still each time, and until the hub knew that its database may have forgotten something."""
    stalls: list[float] = []
    noticed: list[float] = []
    while len(stalls) < times and not budget.over:
        if servers.standby is None:
            await asyncio.to_thread(servers.add_standby)
        await asyncio.sleep(_LOAD)
        before = sender.last
        died = time.monotonic()
        await asyncio.to_thread(servers.fail_over)
        noticed.append(await _notices(servers, died))
        stalls.append(await _goes_on(sender, max(before, died)))
        progress(len(stalls), times, f"stall {stalls[-1]:.1f} s, {len(sender.acknowledged):,} acknowledged")
    return stalls, noticed


async def _notices(servers: Pair, died: float) -> float:
    """The worker goes on, and the first thing it does is to see that the server is on a new timeline."""
    while time.monotonic() - died < _NOTICED:
        found = await asyncio.to_thread(
            servers.primary.ask, "select timeline = tieout.server_timeline() from tieout.memory"
        )
        if found == [(True,)]:
            return time.monotonic() - died
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the worker did not go on within {_NOTICED:.0f} s")


async def _goes_on(sender: Sender, since: float) -> float:
    """The longest time without an acknowledgement around the failover. Raises TimeoutError when there is none after it."""
    for _ in range(int(_NOTICED / 0.05)):
        if sender.last > since:
            return sender.longest_gap(since - 1)
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nothing was acknowledged within {_NOTICED:.0f} s after the failover")


@contextlib.asynccontextmanager
async def _loaded(address: str) -> AsyncGenerator[Sender]:
    """Rings without end while the block lasts."""
    sender = Sender(address)
    ringing = asyncio.create_task(_ring(sender))
    try:
        yield sender
    finally:
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)


async def _ring(sender: Sender) -> None:
    while True:
        told = await sender.ring(40)
        if told.keys() != {200}:
            await asyncio.sleep(0.05)


async def _behind(outcome: Outcome) -> bool:
    """Whether messages are lost when the standby is not waited for."""
    with tempfile.TemporaryDirectory(prefix="tieout-failover-") as name, pair(Path(name), synchronous=False) as servers:
        told = environment(Path(name) / "home", servers.url)
        await founded(told)
        servers.add_standby()
        assert servers.standby is not None
        async with serving(told, Path(name) / "hub.log") as address:
            sender = Sender(address)
            await sender.ring(40)
            servers.standby.stop_receiving()
            await sender.ring(40)
            servers.fail_over()
        outcome.real += 1
        lost = await _missing(sender, servers)
    outcome.measures["lost in one failover to an asynchronous standby that was behind"] = (len(lost), "")
    return bool(lost)


async def _count(outcome: Outcome, sender: Sender, servers: Pair) -> None:
    lost = await _missing(sender, servers)
    outcome.lost += len(lost)
    outcome.evidence += sorted(lost)[:10]


async def _missing(sender: Sender, servers: Pair) -> set[str]:
    async with opened(servers.primary.url) as database, database.transaction() as tx:
        return sender.acknowledged - {each["record_id"] for each in await rows(tx, "select record_id from bell")}


BENCH = Bench(
    name="failover",
    title="Nothing that was acknowledged is lost when a synchronous standby takes over, and the hub goes on by itself.",
    proves=("F3",),
    about=(
        "Two servers on loopback; a web process and a worker reach them by an address that names both. Rings come without "
        "end while the primary is killed with `kill -9`, every process of it, and the standby is promoted at once; then a "
        "new standby is made, and it begins again. A failover manager that decides is not part of it: its time comes on top. "
        "Every acknowledged ring must be there at the end, intake must stand still for at most "
        f"{_LONGEST_STALL:.0f} s, and the worker must notice that its database came back on another timeline."
    ),
    minutes=3,
    alone=True,
    run=run,
)
