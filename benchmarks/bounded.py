"""W4: the month of 10,000 consultants into ERPs that take fifteen calls at once, while deals are won one after the other."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import Any

import httpx2
import psutil
from pydantic import BaseModel

from tieout.connectors.contract import Connector, Gate, Opening, OutcomeUnknown, Page, Receipt
from tieout.connectors.transports.paced import client
from tieout.domain.firm import Firm
from tieout.domain.limits.forecast import Forecast
from tieout.domain.limits.settings import LimitSettings
from tieout.domain.problems import Transient
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.limiter import Limiter
from tieout.engine.outlook import outlook
from tieout.engine.rounds import caught_up
from tieout.engine.worker import Worker
from tieout.flows.approved_time import approved_time
from tieout.flows.catalogue import FLOWS
from tieout.flows.opportunity_to_project import opportunity_to_project
from tieout.sandbox.workload.booked import book
from tieout.sandbox.workload.files import Made, make
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.shape import Shape
from tieout.store.database import row
from tieout.systems.systems import systems_for

from .bounded_ledger import AT_ONCE, CALL_TAKES, PER_WINDOW, WINDOW
from .far_erp import FarErp
from .file_psa import FilePsa, written
from .ground import Ground, ground, now, until
from .measuring import Figure, percentile, spread
from .month_end import PATIENCE, PSA, SEED, prove
from .null_systems import NullCrm, NullPsa
from .serving import served

CONSULTANTS = 10_000
# Seconds that an array of 500 takes in the ERP. Assumed.
TAKES = 8
_ERPS, _WORKER = ("erp-us", "erp-de"), "benchmark"
# Deals of a quiet hour, and seconds between two of them; beside the month, seconds between two.
_IDLE, _REST, _EVERY = 40, 0.2, 4.0


class _NoConfig(BaseModel):
    """It is opened with an address alone."""


class BoundedErp(FarErp):
    """Spoken to as the connectors speak: each call waits for its turn, and the limiter hears what is said of limits."""

    def __init__(self, name: str, people: Sequence[str], address: str, gate: Gate) -> None:
        super().__init__(name, people, address)
        self._client = client(Opening(name, _NoConfig(), gate=gate), address, 120, trust_env=False)

    async def send(self, operation: str, request: bytes) -> Receipt:
        response = await self._client.post(f"/{self.name}/{operation}", content=request)
        told = response.json()
        if response.status_code == 409:
            raise Transient(f"{self.name}: {told['o:errorDetails'][0]['o:errorCode']}", 1.0)
        if response.status_code != 200:
            raise OutcomeUnknown(f"{self.name}: HTTP {response.status_code}")
        return Receipt(told["id"], told["parts"], told["answer"])

    async def counted(self) -> dict[str, Any]:
        """Over a connection of its own: nobody waits behind an array, and none has been idle for too long."""
        async with httpx2.AsyncClient(base_url=self.address, trust_env=False) as asking:
            return (await asking.get(f"/{self.name}")).json()

    async def close(self) -> None:
        await self._client.aclose()
        await super().close()


class _Psa(NullPsa):
    """Projects are set up in it, and once the month is over it tells its time."""

    def __init__(self, name: str, month: FilePsa) -> None:
        super().__init__(name)
        self.month, self.is_over = month, False

    async def changes(self, kind: str, since: str | None) -> Page:
        return await self.month.changes(kind, since) if self.is_over else Page((), since or "", more=False)


class _Hub:
    """One worker at work: its sources, and the ERPs that it delivers to."""

    def __init__(self, on: Ground, firm: Firm, intake: Intake, crm: NullCrm, psa: _Psa, erps: list[BoundedErp]) -> None:
        self.on, self.firm, self.intake, self.crm, self.psa, self.erps = on, firm, intake, crm, psa, erps

    async def counted(self) -> list[dict[str, Any]]:
        return [await each.counted() for each in self.erps]

    async def deals(self, over: Callable[[int], bool], rest: float) -> list[float]:
        """Deals one after the other, until it is over; the seconds of each, from the sweep that sees it until its run is done."""
        took: list[float] = []
        while not over(len(took)):
            began, subject = time.monotonic(), f"{self.crm.name}/opportunity/{self.crm.won}"
            self.crm.won += 1
            await self.intake.sweep(self.intake.feeds[1])
            await until(lambda subject=subject: self._done(subject), PATIENCE, subject, every=0.02)
            took.append(time.monotonic() - began)
            await asyncio.sleep(rest)
        return took

    async def _done(self, subject: str) -> bool:
        async with self.on.database.statement() as tx:
            query = "select from run where flow = 'opportunity_to_project' and subject = %s and state = 'done'"
            return await row(tx, query, (subject,)) is not None


@asynccontextmanager
async def _hub(on: Ground, firm: SimulatedFirm, address: str) -> AsyncGenerator[_Hub, None]:
    limits = LimitSettings(share=1.0, concurrency=AT_ONCE, per_second=PER_WINDOW / WINDOW)
    known = {name: on.firm.connections[name].model_copy(update={"limits": limits}) for name in _ERPS}
    kestrel = on.firm.model_copy(update={"connections": {**on.firm.connections, **known}})
    people = [each["person"] for each in firm.people()]
    file = await asyncio.to_thread(written, firm, on.folder / "time_entries.jsonl")
    async with AsyncExitStack() as stack:
        limiter = Limiter(on.database, now, lambda: kestrel, _WORKER)
        stack.push_async_callback(limiter.close)
        crm, psa = NullCrm("salesforce"), _Psa(PSA, FilePsa(PSA, firm, file))
        erps = [BoundedErp(name, people, address, limiter.gate(name)) for name in _ERPS]
        for each in erps:
            stack.push_async_callback(each.close)
        connections: dict[str, Connector] = {crm.name: crm, psa.name: psa, **{each.name: each for each in erps}}
        feeds = [Feed(psa, "time_entry", approved_time), Feed(crm, "opportunity", opportunity_to_project)]
        executor = Executor(
            on.database, now, lambda: date(2026, 2, 20), FLOWS, systems_for(connections, now), lambda: kestrel, _WORKER,
            leave=limiter.ahead,
        )  # fmt: skip
        intake = Intake(on.database, now, feeds, courtesy=executor.courtesy)
        async with Worker(on.database, now, executor, _WORKER).running():
            for each in feeds:
                await intake.sweep(each)  # what is there before the hub is back-fill
            yield _Hub(on, kestrel, intake, crm, psa, erps)


async def measure(consultants: int = CONSULTANTS, takes: int = TAKES) -> list[Figure]:
    line_takes = (takes - CALL_TAKES) / 500
    firm = SimulatedFirm(Shape(consultants, 1, SEED))
    made = make(firm, None, "jsonl")
    async with ground() as on, served(on, ["-m", "benchmarks.bounded_ledger", str(line_takes)]) as (address, _):
        await book(on.database, firm, PSA, now())
        async with on.database.session() as session:  # as the server would within the minute
            await session.execute("analyze")
        async with _hub(on, firm, address) as hub:
            idle = await hub.deals(lambda count: count == _IDLE, _REST)
            before = await hub.counted()
            told = await _month(hub, made)
            await prove(on, made, hub.erps)
            await _prove_deals(hub)
            after = await hub.counted()
    ideal = max((now_["busy"] - then["busy"]) / AT_ONCE for now_, then in zip(after, before, strict=True))
    locked = sum(each["locked"] for each in after)
    refused = locked + sum(each["crowded"] + each["too_many"] for each in after)
    calls = sum(each["accepted"] for each in after)
    month = f"{made.entries:,} entries of {consultants:,} consultants → two ERPs that take {AT_ONCE} calls at once"
    detail = {
        "deals": len(told["deals"]), "refused, %": 100 * refused / (calls + refused), "of these locked": locked,
        "until all was read, s": told["read"], "forecast wrong by, %": told["wrong"], "lost": 0, "doubled": 0,
        "memory when a tenth was read, MB": told["memory"], "most memory, MB": told["most"],
        "most lines that waited": told["waited"],
    }  # fmt: skip
    return [
        Figure(month, told["seconds"], "s", ideal, f"the slower ERP, none of its {AT_ONCE} places ever empty", {}, detail),
        Figure(
            "a deal beside it, p95", percentile(told["deals"], 0.95), "s", percentile(idle, 0.95), "the same without the month",
            {}, {**spread(told["deals"]), "median without": percentile(idle, 0.5)},
        ),
    ]  # fmt: skip


async def _month(hub: _Hub, made: Made) -> dict[str, Any]:
    """Takes the month in and delivers it, while deals are won."""
    finished, hub.psa.is_over = asyncio.Event(), True
    began = time.time()
    watching = asyncio.create_task(_watched(hub, made.states.total()))
    deals = asyncio.create_task(hub.deals(lambda _: finished.is_set(), _EVERY))
    await hub.intake.sweep(hub.intake.feeds[0])
    read = time.time() - began

    async def half_done() -> bool:
        return sum(each["lines"] for each in await hub.counted()) >= made.entries / 2

    await until(half_done, PATIENCE, "half of the month", every=1)
    async with hub.on.database.transaction() as tx:
        ahead = {each.connection: each.forecast for each in await outlook(tx, hub.firm, FLOWS, now())}

    async def delivered() -> bool:
        async with hub.on.database.statement() as tx:
            return (
                await row(tx, "select from run where flow in ('approved_time', 'time_to_erp') and ended_at is null")
                is None
            )

    await until(delivered, PATIENCE, "all of the month in the ERPs", every=0.5)
    finished.set()
    took = await deals
    await until(lambda: caught_up(hub.on.database), PATIENCE, "the last deal")
    watching.cancel()
    memory = await watching
    ended = {each.name: (await each.counted())["last"] for each in hub.erps}
    seconds = max(ended.values()) - began
    wrong = [_wrong(ahead[name], at, at - began) for name, at in ended.items()]
    return {"seconds": seconds, "read": read, "deals": took, "wrong": max(wrong), **memory}


def _wrong(ahead: Forecast | None, at: float, seconds: float) -> float:
    """By how many hundredths of so many seconds a forecast was wrong; all of them where there was none."""
    return 100.0 if ahead is None or ahead.ends is None else 100 * abs(ahead.ends.timestamp() - at) / seconds


async def _watched(hub: _Hub, states: int) -> dict[str, int]:
    """The hub's memory in MB, and how many lines waited at most, until it is cancelled."""
    process, found = psutil.Process(os.getpid()), {"memory": 0, "most": 0, "waited": 0}
    try:
        while True:
            async with hub.on.database.statement() as tx:
                taken = await row(tx, "select count(*) as n from message")
            assert taken is not None
            memory = process.memory_info().rss // 2**20
            if taken["n"] <= states / 10:
                found["memory"] = memory
            delivered = sum(each["lines"] for each in await hub.counted())
            found["most"], found["waited"] = max(found["most"], memory), max(found["waited"], taken["n"] - delivered)
            await asyncio.sleep(5)
    except asyncio.CancelledError:
        return found


async def _prove_deals(hub: _Hub) -> None:
    """Every deal has its project, nothing is in doubt, and the CRM and the PSA were told everything once."""
    async with hub.on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from run where flow = 'opportunity_to_project' and state = 'done') as done,
                   (select count(*) from effect where state <> 'done') as undone
            """,
        )
    assert found == {"done": hub.crm.won, "undone": 0}, found
    twice = [each for told in (hub.crm.told, hub.psa.told) for each, times in told.items() if times > 1]
    assert not twice, Counter(twice)
