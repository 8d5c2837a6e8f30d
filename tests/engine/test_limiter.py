"""The shared pace on a real database: processes share one rate, lanes go first, and a dead process's leave ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from datetime import time as at

import httpx2
import pytest

from tieout.connectors.contract import Opening
from tieout.connectors.transports.paced import client
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.limits.pace import Heard
from tieout.domain.limits.settings import LimitSettings, Window
from tieout.domain.limits.turns import Party
from tieout.domain.problems import NoLeave
from tieout.engine.errand import errand
from tieout.engine.limiter import ConnectionGate, Limiter
from tieout.store import pace
from tieout.store.database import Database, rows

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)  # a Thursday
Gates = Callable[..., ConnectionGate]


@pytest.fixture
async def gate_of(database: Database) -> AsyncGenerator[Gates, None]:
    """The gate to the ERP in a process of that name."""
    limiters: list[Limiter] = []

    def make(process: str, settings: LimitSettings | None = None, moment: datetime = NOON) -> ConnectionGate:
        erp = ConnectionSettings(kind="tryton", role="erp", limits=settings or LimitSettings())
        entity = LegalEntity(code="US", name="Acme Inc.", currency="USD")
        firm = Firm(name="Acme", entities=(entity,), connections={"erp": erp})
        limiters.append(Limiter(database, lambda: moment, lambda: firm, process))
        return limiters[-1].gate("erp")

    yield make
    for each in limiters:
        await each.close()


async def call(gate: ConnectionGate, party: Party, seconds: float = 0.0) -> float:
    """One call that is accepted; how long it waited."""
    began = time.monotonic()
    with errand(*party):
        await gate.enter()
    waited = time.monotonic() - began
    await asyncio.sleep(seconds)
    gate.leave(Heard(accepted=1))
    return waited


async def test_processes_share_one_rate(gate_of: Gates) -> None:
    settings = LimitSettings(per_second=200, share=0.5)
    gates = [gate_of(f"p{n}", settings) for n in range(4)]
    began = time.monotonic()
    await asyncio.gather(*(call(gate, ("master", "US")) for gate in gates for _ in range(40)))
    took = time.monotonic() - began
    assert (160 - 20) / 100 * 0.95 <= took <= 160 / 100 * 1.25


async def test_no_more_at_once_than_allowed(gate_of: Gates) -> None:
    gates = [gate_of(f"p{n}", LimitSettings(concurrency=5, share=1)) for n in range(3)]
    now, most = 0, 0

    async def one(gate: ConnectionGate) -> None:
        nonlocal now, most
        await gate.enter()
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        gate.leave(Heard(accepted=1))

    await asyncio.gather(*(one(gate) for gate in gates for _ in range(10)))
    assert most == 5


async def test_a_dead_process_gives_its_leave_back(gate_of: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LEASE", 0.5)
    settings = LimitSettings(concurrency=1, share=1)
    dead = gate_of("dead", settings)
    await dead.enter()
    await dead.close()  # it never says that its call is over
    assert 0.2 < await call(gate_of("alive", settings), ("billing", "US")) < 2


async def test_a_person_goes_before_the_backfill(gate_of: Gates) -> None:
    settings = LimitSettings(per_second=20, share=1)
    flood, person = gate_of("flood", settings), gate_of("person", settings)
    filling = [asyncio.create_task(call(flood, ("backfill", "US"))) for _ in range(100)]
    await asyncio.sleep(0.5)
    assert await call(person, ("interactive", "")) < 0.3
    for each in filling:
        each.cancel()
    await asyncio.gather(*filling, return_exceptions=True)


async def test_at_a_wrong_hour_a_call_is_sent_away_and_told_when_to_come(gate_of: Gates) -> None:
    day = Window(begins=at(8), ends=at(18), lanes=("interactive", "billing"))
    gate = gate_of("p", LimitSettings(windows=(day,)), NOON.replace(hour=17, minute=50))
    with pytest.raises(NoLeave, match="erp is not called for backfill before Thu 18:00") as told:
        await call(gate, ("backfill", "US"))
    assert told.value.after == 600
    await call(gate, ("billing", "US"))


async def test_calls_that_the_vendor_does_not_count_are_counted_here(gate_of: Gates) -> None:
    settings = LimitSettings(per_day=10, share=0.5)
    for process in ("one", "other"):
        for _ in range(2):
            await call(gate_of(process, settings), ("billing", "US"))
        await asyncio.sleep(0.3)  # what was answered is told within a tick
    with pytest.raises(NoLeave, match="no calls left for backfill today"):
        await call(gate_of("one", settings), ("backfill", "US"))


def answering(answer: httpx2.Response, gate: ConnectionGate) -> httpx2.AsyncClient:
    opening = Opening("erp", LimitSettings(), {}, httpx2.MockTransport(lambda _: answer), gate)
    return client(opening, "https://erp", 5)


async def test_the_words_of_an_answer_reach_every_process(gate_of: Gates) -> None:
    async with answering(httpx2.Response(429, headers={"Retry-After": "40"}), gate_of("one")) as http:
        with pytest.raises(NoLeave, match="asks to slow down"):
            await http.get("/")
    await asyncio.sleep(0.3)
    with pytest.raises(NoLeave, match="asks to be left alone") as told:
        await call(gate_of("other"), ("interactive", ""))
    assert 35 < told.value.after <= 40


async def test_a_system_that_is_down_is_no_limit(gate_of: Gates) -> None:
    async with answering(httpx2.Response(503), gate_of("one")) as http:
        assert (await http.get("/")).status_code == 503


async def test_what_waited_before_it_was_claimed_is_not_kept_waiting_after(gate_of: Gates) -> None:
    gate = gate_of("p", LimitSettings(per_second=20, concurrency=1, share=1))
    async with gate.ahead():
        began = time.monotonic()
        for _ in range(10):  # one sending may be several calls: a session that ended, a question that is answered
            await gate.enter()
            gate.leave(Heard(accepted=1))
        assert time.monotonic() - began < 0.1
    assert await call(gate, ("billing", "")) < 0.5


async def test_leave_that_was_not_used_is_given_back(gate_of: Gates) -> None:
    gate = gate_of("p", LimitSettings(concurrency=1, share=1))
    async with gate.ahead():
        pass
    assert await call(gate, ("billing", "")) < 0.1


async def test_many_calls_cost_few_questions(
    gate_of: Gates, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    ask = pace.ask

    async def counted(*args: object) -> None:
        nonlocal asked
        asked += 1
        await ask(*args)  # pyright: ignore

    monkeypatch.setattr(pace, "ask", counted)
    async with database.transaction() as tx:
        await tx.execute("""insert into pace values ('erp', '{"pace": {"rate": {"start": 1000}, "room": 100}}')""")
    gate = gate_of("p")
    for _ in range(400):
        await call(gate, ("master", "US"), 0.002)
    assert asked <= 40
    await asyncio.sleep(0.3)
    async with database.transaction() as tx:
        found = await rows(tx, "select sum(accepted) as n, sum(refused) as refused from pace_hour")
    assert found == [{"n": 400, "refused": 0}]


async def test_a_database_that_is_away_keeps_nobody_from_going_on_later(
    gate_of: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, times = pace.ask, 0

    async def sometimes(*args: object) -> None:
        nonlocal times
        times += 1
        if times < 4:
            raise ConnectionError("away")
        await ask(*args)  # pyright: ignore

    monkeypatch.setattr(pace, "ask", sometimes)
    assert await call(gate_of("p"), ("billing", "US")) < 5
